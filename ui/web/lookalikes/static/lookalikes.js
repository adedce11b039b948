// Groups of look-alikes. A visitor can mark a panel as not the same, and undo that while the page is open.
server = panelseek.connect(server);
const place = element.querySelector(".alikes-place");
let loaded = null; // index generation of the groups shown

const follow = panelseek.watcher({
  tab: "lookalikes",
  call: server.lookalikes_state,
  show(state) {
    if (place.innerHTML !== state.html) place.innerHTML = state.html;
  },
  done(state) {
    loaded = state.running ? null : panelseek.generation();
  },
  fail() {
    place.innerHTML = panelseek.unreachable();
  },
});

// The note appears at the panel itself, so that nothing moves and each panel has its own undo button.
async function reject(button) {
  const member = button.closest("li");
  if (!(await save(member, button.dataset.others.split(" "), false))) return;
  member.classList.add("rejected");
  button.hidden = true;
  button.insertAdjacentHTML("afterend", '<p class="confirmation">Marked as not the same. <button type="button" class="button" data-back>Undo</button></p>');
  member.querySelector("[data-back]").focus({ preventScroll: true });
  panelseek.announce("Marked as not the same.");
}

// A pair of two rejected panels is restored with the second of them.
async function restore(undo) {
  const member = undo.closest("li");
  const button = member.querySelector("[data-reject]");
  const rejected = (id) => member.parentElement.querySelector(`.rejected[data-panel="${id}"]`);
  if (!(await save(member, button.dataset.others.split(" ").filter((id) => !rejected(id)), true))) return;
  member.classList.remove("rejected");
  member.querySelector(".confirmation").remove();
  button.hidden = false;
  button.focus({ preventScroll: true });
  panelseek.announce("Undone.");
}

// Return true if the server saved it; otherwise show the reason at the panel.
async function save(member, others, undo) {
  member.querySelector(".notice")?.remove();
  if (!others.length) return true;
  let problem;
  try {
    problem = await server.lookalikes_reject({ panel: Number(member.dataset.panel), others: others.map(Number), undo });
  } catch {
    problem = panelseek.unreachable("line");
  }
  member.insertAdjacentHTML("beforeend", problem);
  return !problem;
}

const nextGroups = async (start) => (await server.lookalikes_state({ start })).html;

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.look) follow({ look: button.dataset.look });
  if (button.dataset.do === "again") follow();
  if (button.dataset.start) panelseek.appendMore(button, place.querySelector(".alikes"), nextGroups);
  if (button.dataset.reject) reject(button);
  if ("back" in button.dataset) restore(button);
});

panelseek.listen((_, tab) => {
  if (tab === "lookalikes" && (loaded === null || loaded !== panelseek.generation())) follow();
});
