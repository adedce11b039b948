// The search form and the address. The form writes the query into the address; every change of the address searches.
server = panelseek.connect(server);
const form = element.querySelector("#search-form");
const slot = element.querySelector("#slot");
const FIELDS = ["q", "not", "view", "group"];
const uploads = new Map(); // name in the address -> {path on the server, html of the slot}

let currentQuery = null; // the query shown, as a query string
let generation = null; // index generation of the results
let latest = 0; // number of the latest search
let inOtherTab = false;

// Return the parameters that belong to the query, as a query string.
function queryOf(params) {
  const query = new URLSearchParams(params);
  for (const name of ["tab", "panel"]) query.delete(name);
  return query.toString();
}

function fillForm(params) {
  for (const name of FIELDS) {
    const field = form.elements[name];
    const value = params.get(name) ?? "";
    if (field.value !== value) field.value = value;
    if (field.value !== value && field.tagName === "SELECT") field.value = ""; // no such option
  }
  for (const select of form.querySelectorAll("select")) select.classList.toggle("chosen", select.value !== "");
}

// Return the address with changes and with the text of the form, sent or not.
// Parameters of another tab are dropped: they belong to no search.
function searchHref(changes) {
  return panelseek.href({ ...(panelseek.isOpen("search") ? unsentText() : clearedParams()), ...changes });
}

// Return the text fields that differ from the address. New text no longer excludes the panel that the old came from.
function unsentText() {
  const params = new URLSearchParams(location.search);
  const sent = (name) => (params.get(name) ?? "").replace(/[\r\n]/g, "").trim();
  const changed = ["q", "not"].filter((name) => form.elements[name].value.trim() !== sent(name));
  const changes = Object.fromEntries(changed.map((name) => [name, form.elements[name].value.trim()]));
  return "q" in changes ? { ...changes, exclude: null } : changes;
}

const clearedParams = () => Object.fromEntries([...new URLSearchParams(location.search).keys()].map((name) => [name, null]));

// Only the latest search is shown: answers that arrive after a newer search began are ignored.
async function search(query) {
  currentQuery = query;
  generation = panelseek.generation();
  settled = false;
  const position = history.state?.shown ? history.state : null; // set when the user comes back to this entry
  const number = (latest += 1);
  const upload = uploads.get(new URLSearchParams(query).get("picture"));
  const indicator = showBusy();
  const request = { address: query, upload: upload?.path ?? null, preview: Boolean(upload && !upload.slot), count: position?.shown ?? 0 };
  try {
    const answer = await server.search(request);
    if (number !== latest) return;
    generation = panelseek.generation();
    if (answer.unusable && upload) removeUpload(query);
    showSlot(answer.slot, upload);
    showAnswer(answer);
    showRemembered(query, answer);
    if (!answer.problem) restorePosition(position);
  } catch {
    if (number === latest) showAnswer({ problem: panelseek.unreachable() });
  } finally {
    indicator.stop(number === latest);
    if (number === latest) loadFilters(query, number); // afterwards, because the server handles one call at a time
  }
}

// Remove an unusable image from the address, so that the next search does not include it.
function removeUpload(query) {
  uploads.delete(new URLSearchParams(query).get("picture"));
  const changes = { picture: null, crop: null };
  currentQuery = queryOf(new URL(panelseek.href(changes), location.href).searchParams);
  panelseek.go(panelseek.href(changes), { replace: true });
}

function searchAgain() {
  const query = currentQuery;
  currentQuery = null;
  search(query);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const value = (name) => form.elements[name].value.trim();
  const next = panelseek.href({ q: value("q"), not: value("not"), exclude: null, panel: null });
  if (queryOf(new URL(next, location.href).searchParams) === currentQuery) searchAgain();
  else panelseek.go(next);
});

form.addEventListener("change", (event) => {
  if (event.target.tagName === "SELECT") panelseek.go(searchHref({ [event.target.name]: event.target.value }));
});

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const actions = {
    clear,
    use: () => searchWithPanel(button.dataset.panel),
    "no-filters": removeFilters,
    "no-picture": () => panelseek.go(searchHref({ like: null, picture: null, crop: null })),
    again: searchAgain,
    options: () => button.setAttribute("aria-expanded", element.querySelector(".search-options").classList.toggle("open")),
  };
  actions[button.dataset.do]?.();
});

// Reset everything, even if the address is empty already.
function clear() {
  currentQuery = null;
  panelseek.go("?");
  panelseek.show();
  form.elements.q.focus();
}

function removeFilters() {
  const changes = clearedParams();
  for (const name of QUERY_PARAMS) delete changes[name];
  panelseek.go(searchHref(changes));
}

function searchWithPanel(id) {
  panelseek.go(searchHref({ like: id, picture: null, crop: null, panel: null }));
}

// An open panel covers the form. Its link comes from the server and lacks the unsent text.
document.addEventListener(
  "click",
  (event) => {
    const link = event.target.closest?.("a[data-use]");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    searchWithPanel(link.dataset.use);
  },
  true,
);

// Keep the results and the unsent text when only the open panel or the tab changes.
function keepResults(cameBack) {
  if (cameBack && settled) restorePosition(history.state ?? {});
  else savePosition();
}

// On a touch screen the keyboard would cover half of the page.
if (matchMedia("(hover: hover)").matches && !new URLSearchParams(location.search).has("panel")) form.elements.q.focus();

// This script runs last, so that the others are ready now.
listenToFileField();
panelseek.listen((params, tab) => {
  const cameBack = inOtherTab;
  inOtherTab = tab !== "search";
  if (inOtherTab) return;
  const query = queryOf(params);
  if (query === currentQuery && generation === panelseek.generation()) return keepResults(cameBack);
  if (query !== currentQuery) fillForm(params);
  search(query);
});
