// Loading: the job that makes the map, then its points and groups.
let watching = false;
let listed = null; // index generation of the groups in the list
let command = {}; // sent with the next request: start or stop the job

function takeCommand() {
  const taken = command;
  command = {};
  return taken;
}

async function watch() {
  if (watching) return;
  watching = true;
  try {
    const state = await panelseek.poll("map", () => server.map_state(takeCommand()), (current) => {
      if (!current.generation) progressPlace.innerHTML = current.html;
    });
    if (state.generation) await load(state.generation);
  } catch {
    progressPlace.innerHTML = panelseek.unreachable();
  } finally {
    watching = false;
  }
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const action = button.dataset.do === "again" ? "start" : button.dataset.map;
  if (!action) return;
  command = { [action]: true };
  watch();
});

async function load(number) {
  if (number !== generation) await loadPoints(number);
  progressPlace.replaceChildren();
  scheduleDraw();
  if (number === listed) return;
  element.querySelector(".map-groups").innerHTML = await server.map_groups({});
  listed = number;
}

async function loadPoints(number) {
  const answer = await fetch(`map/points?v=${number}`);
  if (!answer.ok) throw new Error(answer.statusText);
  const decoded = decodePoints(await answer.arrayBuffer());
  [generation, points, hovered, placed] = [number, decoded, -1, null];
  clearThumbnails();
  tip.hidden = true;
  place.hidden = list.hidden = false;
  countLine.textContent = `${points.count.toLocaleString()} panels`;
}

panelseek.listen((_, tab) => {
  if (tab === "map") watch();
});
