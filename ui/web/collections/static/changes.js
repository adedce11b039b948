// Changes of the open collection: remove a panel, rename, delete, export.
const openName = () => place.querySelector(".collection-head").dataset.name;

function note(text, problem = "") {
  const notes = place.querySelector(".collection-note");
  if (!notes) return; // the collection was closed meanwhile
  notes.textContent = text;
  notes.insertAdjacentHTML("beforeend", problem);
}

// Return a problem as HTML, "" if the collection was changed.
async function change(request) {
  try {
    const { problem } = await server.collection_change({ name: openName(), ...request });
    if (!problem) for (const star of document.querySelectorAll(".star")) delete star.dataset.known;
    if (!problem) loadStars();
    return problem;
  } catch {
    return panelseek.unreachable("line");
  }
}

async function removePanel(button) {
  const item = button.closest("li");
  button.disabled = true;
  const problem = await change({ do: "remove", panel: button.dataset.remove });
  note("", problem);
  if (problem) return void (button.disabled = false);
  const next = item.nextElementSibling ?? item.previousElementSibling;
  item.remove();
  countDown();
  if (next) next.querySelector(".card, .remove").focus();
  else await show(shown).then(() => place.querySelector("h3")?.focus());
  note("Removed from this collection.");
}

function countDown() {
  const count = place.querySelector("[data-total]");
  const left = (count.dataset.total -= 1);
  count.textContent = `${left.toLocaleString("en")} panel${left === 1 ? "" : "s"}`;
  const more = place.querySelector(".more button");
  if (more) more.dataset.start -= 1;
}

// Open a dialog whose form sends a change. Without a problem, `done` gets the form.
function changeDialog(name, request, done) {
  const box = panelseek.dialog(name, element.querySelector(`.${name}-template`).innerHTML);
  box.addEventListener("click", (event) => event.target.closest("[data-close]") && box.close());
  box.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const problem = await change(request(form));
    box.querySelector(".problem-place").innerHTML = problem;
    if (problem) return;
    box.close();
    done(form);
  });
  return box;
}

function renameCollection() {
  const newName = (form) => form.elements.new.value.replace(/\s+/g, " ").trim();
  const box = changeDialog(
    "rename",
    (form) => ({ do: "rename", new: newName(form) }),
    (form) => {
      if (newName(form) === shown) return;
      panelseek.go(panelseek.href({ open: newName(form) }), { replace: true });
    },
  );
  box.querySelector("input").value = openName();
  box.querySelector("input").select();
}

function deleteCollection() {
  const box = changeDialog(
    "delete",
    () => ({ do: "delete" }),
    () => {
      panelseek.go("?tab=collections", { replace: true });
      panelseek.announce("Deleted.");
    },
  );
  box.querySelector('[data-fill="name"]').textContent = openName();
}

async function exportCollection(link) {
  note(`Preparing ${link.textContent}…`);
  try {
    note(`Saved as ${await panelseek.save(link.getAttribute("href"))}`);
  } catch (error) {
    note("", panelseek.notice(error.message));
  }
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.remove) removePanel(button);
  if (button?.dataset.do === "rename") renameCollection();
  if (button?.dataset.do === "delete") deleteCollection();
  const link = event.target.closest("a[data-download]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  exportCollection(link);
});
