// Books, or the pages of one; which, and how they are sought and sorted, stands in the address.
const form = element.querySelector(".shelf-form");
const shelfPlace = element.querySelector(".shelf-place");
const aboutPlace = element.querySelector(".about-place");
let shown = null;
let newest = 0;
let typing;

const asked = (params) => ({
  open: params.get("open") ?? "",
  find: params.get("find") ?? "",
  sort: params.get("sort") ?? "",
});

const fetched = (what, start = 0) =>
  what.open ? server.library_book({ ...what, start }) : server.library_shelf({ ...what, start });

async function show(what) {
  const key = JSON.stringify(what);
  if (key === shown) return;
  const before = shown;
  shown = key;
  const number = (newest += 1);
  form.hidden = Boolean(what.open);
  aboutPlace.hidden = Boolean(what.open);
  for (const name of ["find", "sort"]) {
    if (form.elements[name] !== document.activeElement) form.elements[name].value = what[name] || (name === "sort" ? "title" : "");
  }
  const html = await fetched(what).catch(() => panelseek.unreachable());
  if (number !== newest) return;
  shelfPlace.innerHTML = html;
  if (before !== null && what.open) shelfPlace.querySelector("h2")?.focus();
  if (!aboutPlace.innerHTML) aboutPlace.innerHTML = await server.library_about({});
}

async function more(button) {
  button.disabled = true;
  const part = document.createElement("div");
  part.innerHTML = await fetched(JSON.parse(shown), Number(button.dataset.start));
  const next = part.querySelector("ol > li a");
  const list = shelfPlace.querySelector(":scope > ol");
  list.append(...part.querySelector(":scope > ol").children);
  button.closest(".more").replaceWith(...part.querySelectorAll(":scope > .more"));
  next?.focus();
}

function narrow() {
  const sort = form.elements.sort.value;
  panelseek.go(panelseek.href({ find: form.elements.find.value, sort: sort === "title" ? "" : sort }), { replace: true });
}

form.addEventListener("submit", (event) => (event.preventDefault(), narrow()));
form.addEventListener("change", narrow);
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(narrow, 200);
});
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.start) more(button);
  if (button?.dataset.do !== "again") return;
  const what = JSON.parse(shown);
  shown = null;
  show(what);
});

panelseek.listen((params, view) => {
  if (view === "library") show(asked(params));
});
