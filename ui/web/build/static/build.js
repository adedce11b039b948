// Folders to choose from, and the build that is under way; everybody who looks sees the same one. Which folder is open
// stands in the address.
server = panelseek.reached(server);
const progressPlace = element.querySelector(".progress-place");
const foldersPlace = element.querySelector(".folders-place");
let watching = false;
let opened = null;

function show(state) {
  const focused = progressPlace.contains(document.activeElement);
  if (progressPlace.innerHTML !== state.html) progressPlace.innerHTML = state.html;
  if (focused) progressPlace.querySelector("button")?.focus();
  foldersPlace.hidden = state.running;
  return state.running;
}

function away() {
  progressPlace.innerHTML = panelseek.unreachable();
}

async function watch() {
  if (watching) return;
  watching = true;
  try {
    while (show(await server.build_state({})) && document.documentElement.dataset.view === "build") {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  } catch {
    away();
  } finally {
    watching = false;
  }
}

async function open(place) {
  const key = JSON.stringify(place);
  if (key === opened) return;
  const before = opened;
  opened = key;
  try {
    const html = await server.build_folders(place);
    if (key !== opened) return;
    foldersPlace.innerHTML = html;
    if (before !== null) foldersPlace.querySelector(".crumbs [aria-current]")?.focus({ preventScroll: true });
  } catch (problem) {
    if (key === opened) opened = null; // so that it is opened again
    throw problem;
  }
}

// The open folder, then how a build stands: what cannot be had is said once, and both are tried again.
async function look(params) {
  try {
    await open({ root: Number(params.get("root") ?? 0), path: params.get("folder") ?? "" });
  } catch {
    return away();
  }
  watch();
}

async function told(tell) {
  try {
    if (show(await tell())) watch();
  } catch {
    away();
  }
}

element.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.build === "start") {
    button.disabled = true;
    await told(() => server.build_start({ root: Number(button.dataset.root), path: button.dataset.path }));
    button.disabled = false;
  } else if (button.dataset.build === "stop") told(() => server.build_stop({}));
  else if (button.dataset.do === "again") look(new URLSearchParams(location.search));
});

panelseek.listen((params, view) => {
  if (view === "build") look(params);
});
