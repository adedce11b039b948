// The question lives in the address: the form writes it there, and whenever it changes there it is asked.
server = panelseek.reached(server);
const form = element.querySelector("#question");
const slot = element.querySelector("#slot");
const NOT_ASKED = ["view", "panel"];
const uploads = new Map(); // name in the address -> where the server keeps the picture, and how it is shown

let asked = null; // the question on the page, as a query string
let generation = null; // of the index that was asked
let newest = 0;
let away = false; // in another view

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
    if (field.value !== value && field.tagName === "SELECT") field.value = ""; // a choice that there is none of
  }
  for (const select of form.querySelectorAll("select")) select.classList.toggle("chosen", select.value !== "");
}

const inSearch = () => document.documentElement.dataset.view === "search";

// The address of this question with changes, and with the words that stand in the form, sent or not.
// Another view has no question, and what its address says has no place in one.
function withTyped(changes) {
  return panelseek.href({ ...(inSearch() ? typed() : nothing()), ...changes });
}

// The words that are not those of the address; new ones are no longer those of a panel.
function typed() {
  const here = new URLSearchParams(location.search);
  const sent = (name) => (here.get(name) ?? "").replace(/[\r\n]/g, "").trim();
  const fresh = ["q", "without"].filter((name) => form.elements[name].value.trim() !== sent(name));
  const changes = Object.fromEntries(fresh.map((name) => [name, form.elements[name].value.trim()]));
  return "q" in changes ? { ...changes, elsewhere: null } : changes;
}

const nothing = () => Object.fromEntries([...new URLSearchParams(location.search).keys()].map((name) => [name, null]));

// The newest question wins: an answer that comes after another was asked is passed over.
async function ask(question) {
  asked = question;
  generation = panelseek.generation();
  settled = false;
  const place = history.state?.shown ? history.state : null; // where it was left, when it is gone back to
  const number = (newest += 1);
  const upload = uploads.get(new URLSearchParams(question).get("picture"));
  const waiting = busy();
  const request = { address: question, upload: upload?.path ?? null, preview: Boolean(upload && !upload.slot), count: place?.shown ?? 0 };
  try {
    const answer = await server.search(request);
    if (number !== newest) return;
    generation = panelseek.generation();
    if (answer.unusable && upload) forget(question);
    showSlot(answer.slot, upload);
    showAnswer(answer, number);
    if (!answer.problem) returnTo(place);
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
  if (event.target.tagName === "SELECT") panelseek.go(withTyped({ [event.target.name]: event.target.value }));
});

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const on = {
    clear,
    use: () => takePanel(button.dataset.panel),
    "no-filters": withoutFilters,
    "no-picture": () => panelseek.go(withTyped({ like: null, picture: null, crop: null })),
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
  const changes = nothing();
  for (const name of NO_FILTERS) delete changes[name];
  panelseek.go(withTyped(changes));
}

function takePanel(id) {
  panelseek.go(withTyped({ like: id, picture: null, crop: null, panel: null }));
}

// the chosen panel lies over the form: its link, made by the server, knows nothing of words that were not sent
document.addEventListener(
  "click",
  (event) => {
    const link = event.target.closest?.("a[data-use]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    takePanel(link.dataset.use);
  },
  true,
);

// The same question, with another panel open or from another view: its hits stay, and so do words that were typed.
function stay(wasAway) {
  if (wasAway && settled) returnTo(history.state ?? {});
  else keepPlace();
}

// where there is a keyboard it goes to the words; on a phone it would cover half of the page
if (matchMedia("(hover: hover)").matches && !new URLSearchParams(location.search).has("panel")) form.elements.q.focus();

// the other scripts of this view come before this one, so that everything is there now
hearFile();
panelseek.listen((params, view) => {
  const wasAway = away;
  away = view !== "search";
  if (away) return;
  const question = questionOf(params);
  if (question === asked && generation === panelseek.generation()) return stay(wasAway);
  if (question !== asked) fill(params);
  ask(question);
});
