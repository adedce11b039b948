// The list of collections for one panel, next to the button that opened it. Escape closes only this list.
const MARGIN = 12; // px between the list and the edges of the window
const PHONE = "(max-width: 600px)"; // there the list is at the bottom, as the stylesheet places it

// problem: HTML to show in place of the list
async function openKeep(id, opener, problem) {
  const box = panelseek.dialog("keep", element.querySelector(".keep-template").innerHTML);
  const list = box.querySelector(".choices-place");
  listenToKeep(box, id);
  list.innerHTML = problem ?? "";
  placeNextTo(box, opener);
  if (!problem) {
    try {
      list.innerHTML = (await server.keep_choices({ panel: id })).html;
    } catch {
      list.innerHTML = panelseek.unreachable("line");
    }
  }
  if (box.isConnected) placeNextTo(box, opener);
}

function listenToKeep(box, id) {
  box.addEventListener("keydown", (event) => event.stopPropagation()); // keys of the open panel
  box.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]") || isOutside(box, event)) box.close();
  });
  box.addEventListener("change", (event) => "keepIn" in event.target.dataset && tick(box, id, event.target));
  box.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    addToNew(box, id, event.target.elements.new);
  });
}

function isOutside(box, event) {
  const at = box.getBoundingClientRect();
  const { clientX: x, clientY: y } = event;
  return event.target === box && (x < at.left || x > at.right || y < at.top || y > at.bottom);
}

async function tick(box, id, field) {
  const { keepIn: name, exists } = field.dataset;
  const answer = await sendKeep(id, { name, kept: field.checked, exists: exists !== undefined });
  if (answer.problem) field.checked = !field.checked;
  else field.dataset.exists = "";
  showProblemIn(box, answer.problem);
}

async function addToNew(box, id, field) {
  if (!field.value.trim()) return field.focus();
  const answer = await sendKeep(id, { name: field.value, kept: true });
  showProblemIn(box, answer.problem);
  if (answer.problem) return;
  box.querySelector(".choices-place").innerHTML = answer.html;
  field.value = "";
  field.focus();
}

function showProblemIn(box, problem) {
  box.querySelector(".notice")?.remove();
  if (problem) box.querySelector(".choices-place").insertAdjacentHTML("afterbegin", problem);
}

function placeNextTo(box, opener) {
  box.style.left = box.style.top = "";
  if (matchMedia(PHONE).matches) return;
  const at = opener.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const below = at.bottom + 8;
  const top = below + height + MARGIN <= innerHeight ? below : at.top - 8 - height;
  box.style.left = `${Math.max(MARGIN, Math.min(at.left, innerWidth - width - MARGIN))}px`;
  box.style.top = `${Math.max(MARGIN, top)}px`;
}
