// The camera: map units to canvas pixels and back, and what lies where.
const MARGIN = 24; // pixels around the map at zoom 1
const MAX_ZOOM = 4000;
const MIDDLE_REACH = 200; // pixels

const scale = () => (Math.min(canvas.clientWidth, canvas.clientHeight) - 2 * MARGIN) * camera.zoom;
const screenX = (x) => (x - camera.x) * scale() + canvas.clientWidth / 2;
const screenY = (y) => (y - camera.y) * scale() + canvas.clientHeight / 2;
const mapX = (x) => (x - canvas.clientWidth / 2) / scale() + camera.x;
const mapY = (y) => (y - canvas.clientHeight / 2) / scale() + camera.y;

// Return the index of the nearest point within `reach` pixels of a canvas position, or -1.
function nearest(x, y, reach) {
  const radius = reach / scale();
  const [cx, cy] = [mapX(x), mapY(y)];
  let best = -1;
  let least = radius * radius;
  visitPoints(cx - radius, cy - radius, cx + radius, cy + radius, (i) => {
    const d = (points.x[i] - cx) ** 2 + (points.y[i] - cy) ** 2;
    if (d < least) [least, best] = [d, i];
  });
  return best;
}

// Return the topmost thumbnail at a canvas position, or the nearest dot within `reach`.
function pointAt(x, y, reach) {
  const hit = placed?.findLast((each) => Math.abs(x - each.x) <= each.w / 2 && Math.abs(y - each.y) <= each.h / 2);
  return hit ? hit.i : nearest(x, y, reach);
}

const thumbnailOf = (i) => placed?.find((each) => each.i === i);
const middlePoint = () => nearest(canvas.clientWidth / 2, canvas.clientHeight / 2, MIDDLE_REACH);

// Return the points on screen, or null if there are more than `limit`.
function pointsOnScreen(limit) {
  const found = [];
  const [left, top, right, bottom] = [mapX(0), mapY(0), mapX(canvas.clientWidth), mapY(canvas.clientHeight)];
  visitPoints(left, top, right, bottom, (i) => {
    if (points.x[i] >= left && points.x[i] <= right && points.y[i] >= top && points.y[i] <= bottom) found.push(i);
    return found.length > limit;
  });
  return found.length > limit ? null : found;
}

function moveTo(target) {
  camera = target;
  camera.x = Math.max(0, Math.min(1, camera.x));
  camera.y = Math.max(0, Math.min(1, camera.y));
  hover(-1e6, 0); // the pointer is over something else now
  scheduleDraw();
}

const moveBy = (x, y) => moveTo({ ...camera, x: camera.x - x / scale(), y: camera.y - y / scale() });

// Zoom by a factor; the map position under (x, y) stays there.
function zoomAt(x, y, factor) {
  const [mx, my] = [mapX(x), mapY(y)];
  camera.zoom = Math.max(1, Math.min(MAX_ZOOM, camera.zoom * factor));
  moveTo({ ...camera, x: mx - (x - canvas.clientWidth / 2) / scale(), y: my - (y - canvas.clientHeight / 2) / scale() });
}
