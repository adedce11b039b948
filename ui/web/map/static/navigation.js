// Navigation by mouse, touch, keyboard and buttons.
const TIP_SIDE = 200; // pixels, its maximum width and height with border and margin
const CLICK_TOLERANCE = 5; // pixels; a longer movement is a drag
const fingers = new Map(); // pointer id -> last position
let moved = 0; // pixels since the first pointer went down

const openPanel = (i) => i >= 0 && panelseek.go(panelseek.href({ panel: points.id[i] }));

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
    const distance = (a) => Math.hypot(a[0] - other[0], a[1] - other[1]) || 1;
    zoomAt((now[0] + other[0]) / 2, (now[1] + other[1]) / 2, distance(now) / distance(before));
    moved += 2 * CLICK_TOLERANCE;
  } else {
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    moveBy(now[0] - before[0], now[1] - before[1]);
  }
  fingers.set(event.pointerId, now);
});

for (const name of ["pointerup", "pointercancel"]) {
  canvas.addEventListener(name, (event) => {
    fingers.delete(event.pointerId);
    if (name === "pointerup" && moved < CLICK_TOLERANCE) openPanel(pointAt(event.offsetX, event.offsetY, 14));
  });
}

canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoomAt(event.offsetX, event.offsetY, Math.exp(-event.deltaY / 300));
}, { passive: false });

canvas.addEventListener("pointerleave", () => hover(-1e6, 0));

function hover(x, y) {
  const found = points ? pointAt(x, y, 12) : -1;
  if (found === hovered) return;
  hovered = found;
  tip.hidden = found < 0;
  canvas.style.cursor = found < 0 ? "grab" : "pointer";
  if (found >= 0) {
    const image = new Image();
    image.src = thumbnailAddress(points.id[found]);
    image.alt = "";
    tip.replaceChildren(image);
    placeTip(found);
  }
  scheduleDraw();
}

// Place the enlarged thumbnail to the right of its point, or to the left if there is no room.
function placeTip(found) {
  const box = thumbnailOf(found);
  const gap = box ? box.w / 2 + 6 : 14;
  const [x, y] = [screenX(points.x[found]), screenY(points.y[found])];
  const left = x + gap + TIP_SIDE <= canvas.clientWidth ? x + gap : x - gap - TIP_SIDE;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${Math.max(0, Math.min(y + 14, canvas.clientHeight - TIP_SIDE))}px`;
}

canvas.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
  const [x, y] = [canvas.clientWidth / 2, canvas.clientHeight / 2];
  if (steps[event.key]) moveBy(...steps[event.key]);
  else if (event.key === "+" || event.key === "=") zoomAt(x, y, 1.5);
  else if (event.key === "-") zoomAt(x, y, 1 / 1.5);
  else if (event.key === "0") moveTo({ ...WHOLE_MAP });
  else if (event.key === "Enter") openPanel(middlePoint());
  else return;
  event.preventDefault();
});

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { zoom, x, y, spread } = button.dataset;
  const [cx, cy] = [canvas.clientWidth / 2, canvas.clientHeight / 2];
  if (zoom === "in") zoomAt(cx, cy, 2);
  if (zoom === "out") zoomAt(cx, cy, 0.5);
  if (zoom === "all") moveTo({ ...WHOLE_MAP });
  if (x) {
    moveTo({ x: Number(x), y: Number(y), zoom: Math.max(1, 0.35 / Math.max(Number(spread), 1e-3)) });
    canvas.focus();
  }
});
