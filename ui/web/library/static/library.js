// Books, or the pages of one; which, and how they are sought and sorted, stands in the address.
server = panelseek.reached(server);
const form = element.querySelector(".shelf-form");
const shelfPlace = element.querySelector(".shelf-place");
const aboutPlace = element.querySelector(".about-place");
let shown = null;
let generation = null; // of the index, whose books are shown
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
  if (key === shown && generation === panelseek.generation()) return;
  const before = shown;
  shown = key;
  generation = panelseek.generation();
  const number = (newest += 1);
  form.hidden = Boolean(what.open);
  aboutPlace.hidden = Boolean(what.open);
  for (const name of ["find", "sort"]) {
    if (form.elements[name] !== document.activeElement) form.elements[name].value = what[name] || (name === "sort" ? "title" : "");
  }
  try {
    const found = await fetched(what);
    if (number !== newest) return;
    shelfPlace.innerHTML = found.html;
    generation = found.generation;
    if (before !== key && before !== null && what.open) shelfPlace.querySelector("h3")?.focus();
    await tellAbout();
  } catch {
    if (number !== newest) return;
    shown = null; // so that it is asked for again
    shelfPlace.innerHTML = panelseek.unreachable();
  }
}

// What is known of the index changes with its generation only.
async function tellAbout() {
  if (aboutPlace.dataset.generation === String(generation)) return;
  const told = generation;
  aboutPlace.innerHTML = await server.library_about({});
  aboutPlace.dataset.generation = told;
}

async function more(button) {
  const place = button.closest(".more");
  place.querySelector(".notice")?.remove();
  button.disabled = true;
  const part = document.createElement("div");
  try {
    part.innerHTML = (await fetched(JSON.parse(shown), Number(button.dataset.start))).html;
  } catch {
    button.disabled = false;
    return place.insertAdjacentHTML("afterbegin", panelseek.unreachable("beside"));
  }
  const next = part.querySelector("ol > li a");
  const list = shelfPlace.querySelector(":scope > ol");
  list.append(...part.querySelector(":scope > ol").children);
  place.replaceWith(...part.querySelectorAll(":scope > .more"));
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
  if (button?.dataset.do === "again") show(asked(new URLSearchParams(location.search)));
});

panelseek.listen((params, view) => {
  if (view === "library") show(asked(params));
});
