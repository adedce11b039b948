// Drawing. Many points become dots, written straight into pixels, so that tens of thousands move smoothly.
// A few points become thumbnails.
const MAX_THUMBNAILS = 320; // on screen
let scheduled = false;

function scheduleDraw() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(draw);
}

function draw() {
  scheduled = false;
  if (!points || !canvas.clientWidth) return;
  const ratio = devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const visible = pointsOnScreen(MAX_THUMBNAILS);
  placed = null;
  if (visible) drawThumbnails(visible, ratio);
  else drawDots(width, height, ratio);
  drawMark(ratio);
}

function drawDots(width, height, ratio) {
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const s = scale() * ratio;
  const size = dotSize(s, ratio);
  const insets = rowInsets(size);
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
  context.putImageData(image, 0, 0);
}

// Diameter in pixels: a quarter of the distance between evenly spread points.
function dotSize(side, ratio) {
  return Math.round(Math.max(2, Math.min(12 * ratio, (0.25 * side) / Math.sqrt(points.count))));
}

// Return the empty pixels on either side of each row, which make a dot round.
function rowInsets(size) {
  const r = size / 2;
  return Array.from({ length: size }, (_, row) => (size < 4 ? 0 : Math.round(r - Math.sqrt(r * r - (row + 0.5 - r) ** 2))));
}

function drawThumbnails(visible, ratio) {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  const side = Math.max(32, Math.min(96, 700 / Math.sqrt(visible.length + 1)));
  placed = [];
  for (const i of visible) {
    const image = cachedThumbnail(points.id[i]);
    const [x, y] = [screenX(points.x[i]), screenY(points.y[i])];
    if (image) {
      const fit = side / Math.max(image.width, image.height);
      const [w, h] = [image.width * fit, image.height * fit];
      context.drawImage(image, x - w / 2, y - h / 2, w, h);
      placed.push({ i, x, y, w, h });
    } else {
      context.fillStyle = cssColour(points.colour[i]);
      context.fillRect(x - 4, y - 4, 8, 8);
    }
  }
  context.setTransform(1, 0, 0, 1, 0, 0);
  fetchMissing(visible.map((i) => points.id[i]));
}

const cssColour = (colour) => `#${(colour & 0xffffff).toString(16).padStart(6, "0").replace(/(..)(..)(..)/, "$3$2$1")}`;

// Outline the hovered point, or with keyboard focus the one in the middle.
function drawMark(ratio) {
  const focused = document.activeElement === canvas && canvas.matches(":focus-visible");
  const marked = focused ? middlePoint() : hovered;
  if (marked < 0) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.lineWidth = 3;
  context.strokeStyle = getComputedStyle(canvas).getPropertyValue("--ink") || "#1d1b22";
  const box = thumbnailOf(marked);
  context.beginPath();
  if (box) context.rect(box.x - box.w / 2, box.y - box.h / 2, box.w, box.h);
  else context.arc(screenX(points.x[marked]), screenY(points.y[marked]), 9, 0, 7);
  context.stroke();
  context.setTransform(1, 0, 0, 1, 0, 0);
}

new ResizeObserver(scheduleDraw).observe(canvas);
for (const name of ["focus", "blur"]) canvas.addEventListener(name, scheduleDraw);
