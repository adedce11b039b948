// The question lives in the address: the form writes it there, and whenever it changes there it is asked.
server = panelseek.reached(server);
const form = element.querySelector("#question");
const slot = element.querySelector("#slot");
const NOT_ASKED = ["view", "panel"];
const uploads = new Map(); // name in the address -> where the server keeps the picture, and how it is shown

let asked = null; // the question on the page, as a query string
let generation = null; // of the index that was asked
let newest = 0;

function questionOf(params) {
  const question = new URLSearchParams(params);
  for (const name of NOT_ASKED) question.delete(name);
  return question.toString();
}

function fill(params) {
  for (const name of ["q", "without", "words", "in", "fold"]) {
    const field = form.elements[name];
    const value = params.get(name) ?? "";
    if (field.value !== value) field.value = value;
    if (field.value !== value) field.value = ""; // a choice that there is none of
  }
  for (const select of form.querySelectorAll("select")) select.classList.toggle("chosen", select.value !== "");
}

// The newest question wins: an answer that comes after another was asked is passed over.
async function ask(question) {
  asked = question;
  generation = panelseek.generation();
  const number = (newest += 1);
  const upload = uploads.get(new URLSearchParams(question).get("picture"));
  const waiting = busy();
  const request = { address: question, upload: upload?.path ?? null, preview: Boolean(upload && !upload.slot) };
  try {
    const answer = await server.search(request);
    if (number !== newest) return;
    generation = panelseek.generation();
    if (answer.unusable && upload) forget(question);
    showSlot(answer.slot, upload);
    showAnswer(answer, number);
  } catch {
    if (number === newest) showAnswer({ problem: panelseek.unreachable() }, number);
  } finally {
    waiting.over(number === newest);
    if (number === newest) narrow(question, number); // after the answer, which would wait for it
  }
}

// A picture that cannot be used is no part of the next question.
function forget(question) {
  uploads.delete(new URLSearchParams(question).get("picture"));
  const changes = { picture: null, crop: null };
  asked = questionOf(new URL(panelseek.href(changes), location.href).searchParams);
  panelseek.go(panelseek.href(changes), { replace: true });
}

function again() {
  const question = asked;
  asked = null;
  ask(question);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const value = (name) => form.elements[name].value.trim();
  const next = panelseek.href({ q: value("q"), without: value("without"), elsewhere: null, panel: null, view: null });
  if (questionOf(new URL(next, location.href).searchParams) === asked) again();
  else panelseek.go(next);
});

form.addEventListener("change", (event) => {
  if (event.target.tagName === "SELECT") panelseek.go(panelseek.href({ [event.target.name]: event.target.value }));
});

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const on = {
    clear,
    use: () => panelseek.go(panelseek.href({ like: button.dataset.panel, picture: null, crop: null, panel: null })),
    "no-filters": withoutFilters,
    "no-picture": () => panelseek.go(panelseek.href({ like: null, picture: null, crop: null })),
    again,
    finer: () => button.setAttribute("aria-expanded", element.querySelector(".finer").classList.toggle("open")),
  }[button.dataset.do];
  on?.();
});

// Everything as it was when the page opened, also when the address says so already.
function clear() {
  asked = null;
  panelseek.go("?");
  panelseek.show();
  form.elements.q.focus();
}

function withoutFilters() {
  const changes = Object.fromEntries([...new URLSearchParams(location.search).keys()].map((name) => [name, null]));
  for (const name of NO_FILTERS) delete changes[name];
  panelseek.go(panelseek.href(changes));
}

// where there is a keyboard it goes to the words; on a phone it would cover half of the page
if (matchMedia("(hover: hover)").matches && !new URLSearchParams(location.search).has("panel")) form.elements.q.focus();

// the other scripts of this view come before this one, so that everything is there now
panelseek.listen((params, view) => {
  if (view !== "search") return;
  fill(params);
  const question = questionOf(params);
  if (question !== asked || generation !== panelseek.generation()) ask(question);
});
