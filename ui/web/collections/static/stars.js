// Stars, on cards of every tab and in the open panel: filled where a panel is kept. One click keeps it in "Starred".
server = panelseek.connect(server);
const MOST_AT_ONCE = 600; // panels, as on the server
const changes = new Map(); // panel id -> number of changes, so that an older answer does not undo one
let loading = false;
let saving = Promise.resolve(); // changes are sent one after the other

const unknownStars = () => [...document.querySelectorAll(".star:not([data-known])")];

async function loadStars() {
  const stars = unknownStars().slice(0, MOST_AT_ONCE);
  if (loading || !stars.length) return;
  loading = true;
  const before = new Map(changes);
  for (const star of stars) star.dataset.known = "";
  try {
    const kept = await server.kept_states({ panels: [...new Set(stars.map((star) => star.dataset.star))] });
    for (const star of stars) {
      const id = star.dataset.star;
      if (before.get(id) === changes.get(id)) showStar(star, kept[id] ?? null);
    }
  } catch {
    for (const star of stars) delete star.dataset.known; // until more cards are shown
    return;
  } finally {
    loading = false;
  }
  if (unknownStars().length) loadStars();
}

// state: {starred, count, first}, or null for a panel in no collection
function showStar(star, state) {
  star.setAttribute("aria-pressed", Boolean(state?.starred));
  star.classList.toggle("kept", Boolean(state));
  const names = state?.count > 1 ? `${state.count} collections` : state?.first;
  star.title = state ? `Kept in ${names}` : "Star";
  const label = star.closest(".keep")?.querySelector(".keep-button span");
  if (label) label.textContent = state ? `Kept in ${names}` : "Keep";
}

// Send a change; return {state, html} or {problem} as HTML, and show the state on every star of the panel.
function sendKeep(id, request) {
  changes.set(id, (changes.get(id) ?? 0) + 1);
  saving = saving.then(async () => {
    try {
      const answer = await server.keep_panel({ panel: id, ...request });
      if (!answer.problem) showStars(id, answer.state);
      return answer;
    } catch {
      return { problem: panelseek.unreachable("line") };
    }
  });
  return saving;
}

function showStars(id, state) {
  for (const star of document.querySelectorAll(`.star[data-star="${CSS.escape(id)}"]`)) showStar(star, state);
  dispatchEvent(new Event("collectionschanged"));
}

async function toggleStar(star) {
  const kept = star.getAttribute("aria-pressed") !== "true";
  if (star.ariaBusy === "true") return;
  star.ariaBusy = "true";
  const { problem } = await sendKeep(star.dataset.star, { kept });
  star.ariaBusy = null;
  if (problem) openKeep(star.dataset.star, star, problem);
  else panelseek.announce(kept ? "Added to Starred." : "Removed from Starred.");
}

document.addEventListener("click", (event) => {
  const star = event.target.closest?.(".star");
  const button = event.target.closest?.("[data-keep]");
  if (star) toggleStar(star);
  if (button) openKeep(button.dataset.keep, button);
});

new MutationObserver(loadStars).observe(document.body, { childList: true, subtree: true });
loadStars();
