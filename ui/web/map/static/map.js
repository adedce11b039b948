// The map: dots written straight into pixels, so that tens of thousands move without a stutter; pictures when few are left.
server = panelseek.reached(server);
const place = element.querySelector(".map-place");
const progressPlace = element.querySelector(".map-progress");
const canvas = element.querySelector("canvas");
const pen = canvas.getContext("2d");
const tip = element.querySelector(".map-tip");
const said = element.querySelector(".map-said");
const list = element.querySelector(".map-list");
const CELLS = 128;
const MOST_PICTURES = 320;
const KEPT_PICTURES = 640;
const REST = 80; // milliseconds without moving, after which pictures are asked for
const MARGIN = 24;
const TIP = 200; // its width and height at most, with its border and a little air

let points = null; // {count, id, x, y, colour, cells}
let generation = null;
let listed = null; // the generation whose groups stand in the list
let drawn = null; // where the pictures on screen lie, the topmost last; null while there are dots
let camera = { x: 0.5, y: 0.5, zoom: 1 };
let hovered = -1;
let planned = false;
let watching = false;
const pictures = new Map(); // panel id -> its small picture, decoded
const coming = new Set(); // ids of pictures that are asked for, or cannot be had
let resting;

// ---- data

function read(buffer) {
  const count = buffer.byteLength / 12;
  const data = new DataView(buffer);
  const found = { count, id: new Uint32Array(count), x: new Float32Array(count), y: new Float32Array(count), colour: new Uint32Array(count) };
  for (let i = 0; i < count; i += 1) {
    const at = 12 * i;
    found.id[i] = data.getUint32(at, true);
    found.x[i] = data.getUint16(at + 4, true) / 65535;
    found.y[i] = data.getUint16(at + 6, true) / 65535;
    found.colour[i] = colourOf(data.getUint16(at + 8, true));
  }
  found.cells = sorted(found);
  return found;
}

// Neighbouring books get hues that lie far apart. 0xAABBGGRR, as pixels lie in memory.
function colourOf(book) {
  const hue = (book * 137.508) % 360;
  const channel = (n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (0.52 - 0.34 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return ((255 << 24) | (channel(4) << 16) | (channel(8) << 8) | channel(0)) >>> 0;
}

// Points by cell of a grid: starts[c] to starts[c + 1] of order are those in cell c.
function sorted({ count, x, y }) {
  const cell = (i) => Math.min(CELLS - 1, Math.floor(y[i] * CELLS)) * CELLS + Math.min(CELLS - 1, Math.floor(x[i] * CELLS));
  const starts = new Uint32Array(CELLS * CELLS + 1);
  for (let i = 0; i < count; i += 1) starts[cell(i) + 1] += 1;
  for (let c = 0; c < CELLS * CELLS; c += 1) starts[c + 1] += starts[c];
  const next = starts.slice();
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) order[next[cell(i)]++] = i;
  return { starts, order };
}

// Every point whose cell touches the rectangle, in map units; `look` may return true to stop.
function within(left, top, right, bottom, look) {
  const clamp = (v) => Math.max(0, Math.min(CELLS - 1, Math.floor(v * CELLS)));
  for (let row = clamp(top); row <= clamp(bottom); row += 1) {
    for (let column = clamp(left); column <= clamp(right); column += 1) {
      const c = row * CELLS + column;
      for (let k = points.cells.starts[c]; k < points.cells.starts[c + 1]; k += 1) if (look(points.cells.order[k])) return;
    }
  }
}

// ---- where things are on screen

const scale = () => (Math.min(canvas.clientWidth, canvas.clientHeight) - 2 * MARGIN) * camera.zoom;
const screenX = (x) => (x - camera.x) * scale() + canvas.clientWidth / 2;
const screenY = (y) => (y - camera.y) * scale() + canvas.clientHeight / 2;
const mapX = (x) => (x - canvas.clientWidth / 2) / scale() + camera.x;
const mapY = (y) => (y - canvas.clientHeight / 2) / scale() + camera.y;

function nearest(x, y, reach) {
  const away = reach / scale();
  const [cx, cy] = [mapX(x), mapY(y)];
  let best = -1;
  let least = away * away;
  within(cx - away, cy - away, cx + away, cy + away, (i) => {
    const d = (points.x[i] - cx) ** 2 + (points.y[i] - cy) ** 2;
    if (d < least) [least, best] = [d, i];
  });
  return best;
}

// What lies under a place on screen: the topmost picture there, or the dot within reach.
function under(x, y, reach) {
  const hit = drawn?.findLast((each) => Math.abs(x - each.x) <= each.w / 2 && Math.abs(y - each.y) <= each.h / 2);
  return hit ? hit.i : nearest(x, y, reach);
}

const drawnAs = (i) => drawn?.find((each) => each.i === i);

// ---- drawing

function plan() {
  if (planned) return;
  planned = true;
  requestAnimationFrame(draw);
}

function draw() {
  planned = false;
  if (!points || !canvas.clientWidth) return;
  const ratio = devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const visible = seen(MOST_PICTURES);
  drawn = null;
  if (visible) drawPictures(visible, ratio);
  else drawDots(width, height, ratio);
  mark(ratio);
}

// The points on screen, or null when there are more than `most`.
function seen(most) {
  const found = [];
  const [left, top, right, bottom] = [mapX(0), mapY(0), mapX(canvas.clientWidth), mapY(canvas.clientHeight)];
  within(left, top, right, bottom, (i) => {
    if (points.x[i] >= left && points.x[i] <= right && points.y[i] >= top && points.y[i] <= bottom) found.push(i);
    return found.length > most;
  });
  return found.length > most ? null : found;
}

function drawDots(width, height, ratio) {
  const image = pen.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const s = scale() * ratio;
  const size = dotSize(s, ratio);
  const insets = round(size);
  const [dx, dy] = [width / 2 - camera.x * s, height / 2 - camera.y * s];
  for (let i = 0; i < points.count; i += 1) {
    const x = Math.round(points.x[i] * s + dx);
    const y = Math.round(points.y[i] * s + dy);
    if (x < 0 || y < 0 || x + size > width || y + size > height) continue;
    const colour = points.colour[i];
    for (let row = 0; row < size; row += 1) {
      const from = (y + row) * width + x;
      for (let k = insets[row]; k < size - insets[row]; k += 1) pixels[from + k] = colour;
    }
  }
  pen.putImageData(image, 0, 0);
}

// Pixels across: a quarter of the way to the next point, were they spread evenly.
function dotSize(side, ratio) {
  return Math.round(Math.max(2, Math.min(12 * ratio, (0.25 * side) / Math.sqrt(points.count))));
}

// How many pixels each row of a dot lacks on either side to be round.
function round(size) {
  const r = size / 2;
  return Array.from({ length: size }, (_, row) => (size < 4 ? 0 : Math.round(r - Math.sqrt(r * r - (row + 0.5 - r) ** 2))));
}

function drawPictures(visible, ratio) {
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  const side = Math.max(32, Math.min(96, 700 / Math.sqrt(visible.length + 1)));
  drawn = [];
  for (const i of visible) {
    const picture = used(points.id[i]);
    const [x, y] = [screenX(points.x[i]), screenY(points.y[i])];
    if (picture) {
      const fit = side / Math.max(picture.width, picture.height);
      const [w, h] = [picture.width * fit, picture.height * fit];
      pen.drawImage(picture, x - w / 2, y - h / 2, w, h);
      drawn.push({ i, x, y, w, h });
    } else {
      pen.fillStyle = `#${(points.colour[i] & 0xffffff).toString(16).padStart(6, "0").replace(/(..)(..)(..)/, "$3$2$1")}`;
      pen.fillRect(x - 4, y - 4, 8, 8);
    }
  }
  pen.setTransform(1, 0, 0, 1, 0, 0);
  const missing = visible.map((i) => points.id[i]).filter((id) => !pictures.has(id) && !coming.has(id));
  clearTimeout(resting);
  if (missing.length) resting = setTimeout(() => missing.forEach(fetchPicture), REST);
}

// Decoded beside the page: drawn while still packed, hundreds of pictures would hold up a frame.
async function fetchPicture(id) {
  coming.add(id);
  const of = generation;
  try {
    const answer = await fetch(addressOf(id));
    if (!answer.ok) return; // there is none, and it is not asked for again
    const picture = await createImageBitmap(await answer.blob());
    if (of !== generation) return picture.close();
    if (pictures.size >= KEPT_PICTURES) forget(pictures.keys().next().value);
    pictures.set(id, picture);
    plan();
  } catch {
    return; // the server is away, or the picture is none: the dot stays
  }
  coming.delete(id);
}

const addressOf = (id) => `pictures/panel/${id}?v=map${generation}`;

// A picture that is there; the ones used last are kept longest.
function used(id) {
  const picture = pictures.get(id);
  if (picture && pictures.delete(id)) pictures.set(id, picture);
  return picture;
}

function forget(id) {
  pictures.get(id).close();
  pictures.delete(id);
}

function mark(ratio) {
  const focused = document.activeElement === canvas && canvas.matches(":focus-visible");
  const chosen = focused ? middle() : hovered;
  if (chosen < 0) return;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.lineWidth = 3;
  pen.strokeStyle = getComputedStyle(canvas).getPropertyValue("--ink") || "#1d1b22";
  const picture = drawnAs(chosen);
  pen.beginPath();
  if (picture) pen.rect(picture.x - picture.w / 2, picture.y - picture.h / 2, picture.w, picture.h);
  else pen.arc(screenX(points.x[chosen]), screenY(points.y[chosen]), 9, 0, 7);
  pen.stroke();
  pen.setTransform(1, 0, 0, 1, 0, 0);
}

// ---- moving

function zoomAt(x, y, factor) {
  const [mx, my] = [mapX(x), mapY(y)];
  camera.zoom = Math.max(1, Math.min(4000, camera.zoom * factor));
  camera.x = mx - (x - canvas.clientWidth / 2) / scale();
  camera.y = my - (y - canvas.clientHeight / 2) / scale();
  keepIn();
}

function keepIn() {
  camera.x = Math.max(0, Math.min(1, camera.x));
  camera.y = Math.max(0, Math.min(1, camera.y));
  hover(-1e6, 0); // what lay under the pointer lies elsewhere now
  plan();
}

function moveBy(x, y) {
  camera.x -= x / scale();
  camera.y -= y / scale();
  keepIn();
}

const middle = () => nearest(canvas.clientWidth / 2, canvas.clientHeight / 2, 200);
const open = (i) => i >= 0 && panelseek.go(panelseek.href({ panel: points.id[i] }));

const fingers = new Map();
let moved = 0;

canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  fingers.set(event.pointerId, [event.offsetX, event.offsetY]);
  if (fingers.size === 1) moved = 0;
});

canvas.addEventListener("pointermove", (event) => {
  const before = fingers.get(event.pointerId);
  if (!before) return hover(event.offsetX, event.offsetY);
  const now = [event.offsetX, event.offsetY];
  const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
  if (other) {
    const apart = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
    zoomAt((now[0] + other[0]) / 2, (now[1] + other[1]) / 2, apart(now) / apart(before));
    moved += 10;
  } else {
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    moveBy(now[0] - before[0], now[1] - before[1]);
  }
  fingers.set(event.pointerId, now);
});

for (const name of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(name, (event) => {
    fingers.delete(event.pointerId);
    if (name === "pointerup" && moved < 5) open(under(event.offsetX, event.offsetY, 14));
  });
}

canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomAt(event.offsetX, event.offsetY, Math.exp(-event.deltaY / 300));
}, { passive: false });

canvas.addEventListener("pointerleave", () => hover(-1e6, 0));

function hover(x, y) {
  const found = points ? under(x, y, 12) : -1;
  if (found === hovered) return;
  hovered = found;
  tip.hidden = found < 0;
  canvas.style.cursor = found < 0 ? "grab" : "pointer";
  if (found >= 0) {
    const picture = new Image();
    picture.src = addressOf(points.id[found]);
    picture.alt = "";
    tip.replaceChildren(picture);
    placeTip(found);
  }
  plan();
}

// Beside what it shows large: to its right, or to its left where there is no room.
function placeTip(found) {
  const picture = drawnAs(found);
  const gap = picture ? picture.w / 2 + 6 : 14;
  const [x, y] = [screenX(points.x[found]), screenY(points.y[found])];
  const left = x + gap + TIP <= canvas.clientWidth ? x + gap : x - gap - TIP;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${Math.max(0, Math.min(y + 14, canvas.clientHeight - TIP))}px`;
}

canvas.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  const [x, y] = [canvas.clientWidth / 2, canvas.clientHeight / 2];
  if (steps[event.key]) moveBy(...steps[event.key]);
  else if (event.key === "+" || event.key === "=") zoomAt(x, y, 1.5);
  else if (event.key === "-") zoomAt(x, y, 1 / 1.5);
  else if (event.key === "0") show({ x: 0.5, y: 0.5, zoom: 1 });
  else if (event.key === "Enter") open(middle());
  else return;
  event.preventDefault();
});

function show(where) {
  camera = where;
  keepIn();
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { zoom, map, x, y, spread } = button.dataset;
  const [cx, cy] = [canvas.clientWidth / 2, canvas.clientHeight / 2];
  if (zoom === "in") zoomAt(cx, cy, 2);
  if (zoom === "out") zoomAt(cx, cy, 0.5);
  if (zoom === "all") show({ x: 0.5, y: 0.5, zoom: 1 });
  if (map === "start" || button.dataset.do === "again") watch({ start: true });
  if (map === "stop") watch({ stop: true });
  if (x) {
    show({ x: Number(x), y: Number(y), zoom: Math.max(1, 0.35 / Math.max(Number(spread), 1e-3)) });
    canvas.focus();
  }
});

// ---- getting it

async function watch(asked = {}) {
  if (watching) return;
  watching = true;
  try {
    let state = await server.map_state(asked);
    while (state.running && document.documentElement.dataset.view === "map") {
      progressPlace.innerHTML = state.html;
      await new Promise((resolve) => setTimeout(resolve, 500));
      state = await server.map_state({ stop: stopping });
      stopping = false;
    }
    if (state.generation) await load(state.generation);
    else progressPlace.innerHTML = state.html;
  } catch {
    progressPlace.innerHTML = panelseek.unreachable();
  } finally {
    watching = false;
  }
}

let stopping = false;
progressPlace.addEventListener("click", (event) => {
  if (event.target.closest('[data-map="stop"]')) stopping = true;
});

async function load(number) {
  if (number !== generation) await loadPoints(number);
  progressPlace.replaceChildren();
  plan();
  if (number === listed) return;
  element.querySelector(".map-groups").innerHTML = await server.map_groups({});
  listed = number;
}

async function loadPoints(number) {
  const answer = await fetch(`map/points?v=${number}`);
  if (!answer.ok) throw new Error(answer.statusText);
  const found = read(await answer.arrayBuffer());
  [generation, points, hovered, drawn] = [number, found, -1, null];
  for (const id of [...pictures.keys()]) forget(id);
  coming.clear();
  tip.hidden = true;
  place.hidden = list.hidden = false;
  said.textContent = `${points.count.toLocaleString()} panels`;
}

new ResizeObserver(plan).observe(canvas);
for (const name of ["focus", "blur"]) canvas.addEventListener(name, plan);
panelseek.listen((_, view) => {
  if (view === "map") watch();
});
