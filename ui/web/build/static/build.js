// Folders to choose from and the running build, which all visitors share. The address holds the open folder.
server = panelseek.connect(server);
const progressPlace = element.querySelector(".progress-place");
const foldersPlace = element.querySelector(".folders-place");
let openFolder = null; // the folder shown, as JSON

function show(state) {
  const focused = progressPlace.contains(document.activeElement);
  if (progressPlace.innerHTML !== state.html) progressPlace.innerHTML = state.html;
  if (focused) progressPlace.querySelector("button")?.focus();
  foldersPlace.hidden = state.running;
}

function showUnreachable() {
  progressPlace.innerHTML = panelseek.unreachable();
}

const follow = panelseek.watcher({ tab: "build", call: server.build_state, show, fail: showUnreachable });

async function open(folder) {
  const key = JSON.stringify(folder);
  if (key === openFolder) return;
  const previous = openFolder;
  openFolder = key;
  try {
    const html = await server.build_folders(folder);
    if (key !== openFolder) return;
    foldersPlace.innerHTML = html;
    if (previous !== null) foldersPlace.querySelector(".crumbs [aria-current]")?.focus({ preventScroll: true });
  } catch (error) {
    if (key === openFolder) openFolder = null; // opened again on the next try
    throw error;
  }
}

// Load the folder first, then the build state, so that an unreachable server is reported once.
async function load(params) {
  try {
    await open({ root: Number(params.get("root") ?? 0), path: params.get("folder") ?? "" });
  } catch {
    return showUnreachable();
  }
  follow();
}

// Start or stop a build.
async function control(command) {
  try {
    const state = await command();
    show(state);
    if (state.running) follow();
  } catch {
    showUnreachable();
  }
}

element.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.build === "start") {
    button.disabled = true;
    await control(() => server.build_start({ root: Number(button.dataset.root), path: button.dataset.path }));
    button.disabled = false;
  } else if (button.dataset.build === "stop") control(() => server.build_stop({}));
  else if (button.dataset.do === "again") load(new URLSearchParams(location.search));
});

panelseek.listen((params, tab) => {
  if (tab === "build") load(params);
});
