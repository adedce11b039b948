// Books, or the pages of one. The address holds the open book, the search text and the order.
server = panelseek.connect(server);
const form = element.querySelector(".book-list-form");
const bookListPlace = element.querySelector(".book-list-place");
const aboutPlace = element.querySelector(".about-place");
const TYPING_PAUSE = 200; // ms
let shown = null; // the request shown, as JSON
let generation = null; // index generation of the books shown
let latest = 0; // number of the latest request
let typing;

const requestOf = (params) => ({
  open: params.get("open") ?? "",
  find: params.get("find") ?? "",
  sort: params.get("sort") ?? "",
});

const fetchPart = (request, start = 0) =>
  request.open ? server.library_book({ ...request, start }) : server.library_books({ ...request, start });

async function show(request) {
  const key = JSON.stringify(request);
  if (key === shown && generation === panelseek.generation()) return;
  const previous = shown;
  shown = key;
  generation = panelseek.generation();
  const number = (latest += 1);
  fillForm(request);
  try {
    const answer = await fetchPart(request);
    if (number !== latest) return;
    bookListPlace.innerHTML = answer.html;
    generation = answer.generation;
    if (previous !== key && previous !== null && request.open) bookListPlace.querySelector("h3")?.focus();
    await showAbout();
  } catch {
    if (number !== latest) return;
    shown = null; // fetched again on the next try
    bookListPlace.innerHTML = panelseek.unreachable();
  }
}

function fillForm(request) {
  form.hidden = aboutPlace.hidden = Boolean(request.open);
  for (const [name, value] of [["find", request.find], ["sort", request.sort || "title"]]) {
    if (form.elements[name] !== document.activeElement) form.elements[name].value = value;
  }
}

// The statistics change only with the index generation.
async function showAbout() {
  if (aboutPlace.dataset.generation === String(generation)) return;
  const fetched = generation;
  aboutPlace.innerHTML = await server.library_index({});
  aboutPlace.dataset.generation = fetched;
}

function findBooks() {
  const sort = form.elements.sort.value;
  panelseek.go(panelseek.href({ find: form.elements.find.value, sort: sort === "title" ? "" : sort }), { replace: true });
}

form.addEventListener("submit", (event) => (event.preventDefault(), findBooks()));
form.addEventListener("change", findBooks);
form.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(findBooks, TYPING_PAUSE);
});
element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.start) {
    const list = bookListPlace.querySelector(":scope > ol");
    panelseek.appendMore(button, list, async (start) => (await fetchPart(JSON.parse(shown), start)).html);
  }
  if (button?.dataset.do === "again") show(requestOf(new URLSearchParams(location.search)));
});

panelseek.listen((params, tab) => {
  if (tab === "library") show(requestOf(params));
});
