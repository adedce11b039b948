// Filters: each opens a list of its values. A choice goes into the address at once.
const filters = element.querySelector("#filters");

const QUERY_PARAMS = ["q", "not", "picture", "like", "crop", "view", "group", "exclude"]; // all others are filters
const MAX_AGE = 60_000; // ms; the library may change meanwhile
let counted = { filters: null, at: 0, generation: null };

// Counts depend only on the filters and the index generation.
async function loadFilters(query, number) {
  const params = new URLSearchParams(query);
  for (const name of QUERY_PARAMS) params.delete(name);
  const filters = params.toString();
  const cached = filters === counted.filters && generation === counted.generation;
  if (cached && Date.now() - counted.at < MAX_AGE) return;
  try {
    const html = await server.filters({ address: query });
    if (number !== latest) return;
    counted = { filters, at: Date.now(), generation };
    showFilters(html);
  } catch {
    // the results already report an unreachable server
  }
}

// Keep the open list open and the focus in place.
function showFilters(html) {
  const open = filters.querySelector("details[open]")?.dataset.name;
  const focused = filters.contains(document.activeElement) ? document.activeElement : null;
  filters.innerHTML = html;
  const list = open && filters.querySelector(`details[data-name="${open}"]`);
  if (list) list.open = true;
  if (!focused) return;
  const same = [...filters.querySelectorAll("input[type=checkbox]")].find(
    (box) => box.name === focused.name && box.value === focused.value,
  );
  (same ?? list?.querySelector("summary") ?? filters.querySelector("summary"))?.focus();
}

filters.addEventListener("change", (event) => {
  const box = event.target;
  if (box.type !== "checkbox") return;
  const single = box.dataset.one !== undefined; // one value at a time
  const values = single ? [box.value].filter(() => box.checked) : checkedValues(box.name);
  panelseek.go(searchHref({ [box.name]: values, panel: null }));
});

const checkedValues = (name) => [...filters.querySelectorAll("input:checked")].filter((b) => b.name === name).map((b) => b.value);

filters.addEventListener("toggle", (event) => {
  if (event.target.open) closeLists(event.target);
}, true);

function closeLists(except) {
  for (const list of filters.querySelectorAll("details[open]")) if (list !== except) list.open = false;
}

filters.addEventListener("keydown", (event) => {
  const list = event.target.closest("details[open]");
  if (event.key === "Escape" && list) {
    list.open = false;
    list.querySelector("summary").focus();
    event.stopPropagation();
  }
  const name = event.target.dataset.find;
  if (event.key === "Enter" && name && event.target.value.trim() && hasMatches(event.target)) {
    panelseek.go(searchHref({ [name]: `%${event.target.value.trim()}%`, panel: null }));
  }
});

filters.addEventListener("input", (event) => {
  if (event.target.dataset.find) findValues(event.target);
});

const labelsOf = (field) => [...field.closest("fieldset").querySelectorAll("label")];

// Return a name as it is compared: é as one character, without case.
const comparedName = (name) => name.normalize("NFC").toLowerCase();

// Show only the values that contain the text, or a message if there are none.
function findValues(field) {
  const text = comparedName(field.value.trim());
  for (const label of labelsOf(field)) {
    label.hidden = !comparedName(label.querySelector("span:not(.count)").textContent).includes(text);
  }
  const message = field.closest("fieldset").querySelector(".no-value");
  message.textContent = labelsOf(field).every((label) => label.hidden) ? message.dataset.noMatch : "";
}

// Return true if a value contains the text, in the list or among the values that the list leaves out.
const hasMatches = (field) => field.dataset.more !== undefined || labelsOf(field).some((label) => !label.hidden);

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#filters details")) closeLists();
});
