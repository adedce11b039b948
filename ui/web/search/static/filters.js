// Filters: each opens a list of its values; a choice goes into the address at once.
const filters = element.querySelector("#narrow");

const NO_FILTERS = ["q", "without", "picture", "like", "crop", "words", "in", "fold", "elsewhere"];
const FRESH = 60_000; // milliseconds; a library may be built meanwhile
let counted = { filters: null, at: 0, generation: null };

// Counts depend on the filters alone, so another question with the same ones has them already.
async function narrow(question, number) {
  const params = new URLSearchParams(question);
  for (const name of NO_FILTERS) params.delete(name);
  const filters = params.toString();
  const known = filters === counted.filters && generation === counted.generation;
  if (known && Date.now() - counted.at < FRESH) return;
  try {
    const html = await server.narrow({ address: question });
    if (number !== newest) return;
    counted = { filters, at: Date.now(), generation };
    showFilters(html);
  } catch {
    // the answer says that the server does not answer
  }
}

// The list that was open stays open, and the focus stays where it was.
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
  const others = box.dataset.one === undefined ? checked(box.name) : box.checked ? [box.value] : [];
  panelseek.go(withTyped({ [box.name]: others, panel: null }));
});

const checked = (name) => [...filters.querySelectorAll("input:checked")].filter((b) => b.name === name).map((b) => b.value);

filters.addEventListener("toggle", (event) => {
  if (!event.target.open) return;
  for (const other of filters.querySelectorAll("details[open]")) if (other !== event.target) other.open = false;
}, true);

filters.addEventListener("keydown", (event) => {
  const list = event.target.closest("details[open]");
  if (event.key === "Escape" && list) {
    list.open = false;
    list.querySelector("summary").focus();
    event.stopPropagation();
  }
  const look = event.target.dataset.look;
  if (event.key === "Enter" && look && event.target.value.trim() && couldBe(event.target)) {
    panelseek.go(withTyped({ [look]: `%${event.target.value.trim()}%`, panel: null }));
  }
});

filters.addEventListener("input", (event) => {
  if (event.target.dataset.look) lookFor(event.target);
});

const listed = (field) => [...field.closest("fieldset").querySelectorAll("label")];

// Leaves the values that contain what is typed; where there is none, that is said.
function lookFor(field) {
  const wanted = field.value.trim().toLowerCase();
  for (const label of listed(field)) {
    label.hidden = !label.querySelector("span:not(.count)").textContent.toLowerCase().includes(wanted);
  }
  const said = field.closest("fieldset").querySelector(".no-value");
  said.textContent = listed(field).every((label) => label.hidden) ? said.dataset.said : "";
}

// Whether some value contains what is typed: one of the list, or one that the list is too short for.
const couldBe = (field) => field.dataset.more !== undefined || listed(field).some((label) => !label.hidden);

document.addEventListener("click", (event) => {
  if (!event.target.closest?.("#narrow details")) for (const open of filters.querySelectorAll("details[open]")) open.open = false;
});
