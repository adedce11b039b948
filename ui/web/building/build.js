// Folders to choose from, and the build that is under way; everybody who looks sees the same one.
const progressPlace = element.querySelector(".progress-place");
const foldersPlace = element.querySelector(".folders-place");
let watching = false;
let opened = false;

function show(state) {
  const focused = progressPlace.contains(document.activeElement);
  if (progressPlace.innerHTML !== state.html) progressPlace.innerHTML = state.html;
  if (focused) progressPlace.querySelector("button")?.focus();
  foldersPlace.hidden = state.running;
  return state.running;
}

async function watch() {
  if (watching) return;
  watching = true;
  try {
    while (show(await server.build_state({})) && document.documentElement.dataset.view === "build") {
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  } catch {
    progressPlace.innerHTML = panelseek.unreachable();
  } finally {
    watching = false;
  }
}

async function open(place) {
  foldersPlace.innerHTML = await server.build_folders(place);
  if (opened) foldersPlace.querySelector(".folders button, .crumbs button:last-child")?.focus();
  opened = true;
}

element.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const place = { root: Number(button.dataset.root), path: button.dataset.path };
  if (button.dataset.build === "start") {
    button.disabled = true;
    const running = show(await server.build_start(place));
    button.disabled = false;
    if (running) watch();
  } else if (button.dataset.build === "stop") {
    show(await server.build_stop({}));
    watch();
  } else if (button.dataset.do === "again") watch();
  else if ("root" in button.dataset) open(place);
});

panelseek.listen((_, view) => {
  if (view !== "build") return;
  if (!opened) open({ root: 0, path: "" });
  watch();
});
