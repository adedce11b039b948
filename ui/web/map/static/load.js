// Loading: the job that makes the map, then its points and groups.
let listed = null; // index generation of the groups in the list

const follow = panelseek.watcher({
  tab: "map",
  call: server.map_state,
  show(state) {
    if (!state.generation) progressPlace.innerHTML = state.html;
  },
  async done(state) {
    if (state.generation) await load(state.generation);
  },
  fail() {
    progressPlace.innerHTML = panelseek.unreachable();
  },
});

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const action = button.dataset.do === "again" ? "start" : button.dataset.map;
  if (action) follow({ [action]: true });
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
  if (tab === "map") follow();
});
