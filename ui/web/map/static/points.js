// The points of the map: decoded from the server's answer and sorted into a grid.
const CELLS = 128; // grid cells along a side
const BYTES_PER_POINT = 12;

function decodePoints(buffer) {
  const count = buffer.byteLength / BYTES_PER_POINT;
  const data = new DataView(buffer);
  const decoded = { count, id: new Uint32Array(count), x: new Float32Array(count), y: new Float32Array(count), colour: new Uint32Array(count) };
  for (let i = 0; i < count; i += 1) {
    const offset = BYTES_PER_POINT * i;
    decoded.id[i] = data.getUint32(offset, true);
    decoded.x[i] = data.getUint16(offset + 4, true) / 65535;
    decoded.y[i] = data.getUint16(offset + 6, true) / 65535;
    decoded.colour[i] = colourOf(data.getUint16(offset + 8, true));
  }
  decoded.cells = gridOf(decoded);
  return decoded;
}

// Return 0xAABBGGRR, the byte order of pixels in memory. The golden angle separates the hues of neighbouring books.
function colourOf(book) {
  const hue = (book * 137.508) % 360;
  const channel = (n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (0.52 - 0.34 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return ((255 << 24) | (channel(4) << 16) | (channel(8) << 8) | channel(0)) >>> 0;
}

// Counting sort by grid cell: order[starts[c]] to order[starts[c + 1] - 1] are the points in cell c.
function gridOf({ count, x, y }) {
  const cell = (i) => Math.min(CELLS - 1, Math.floor(y[i] * CELLS)) * CELLS + Math.min(CELLS - 1, Math.floor(x[i] * CELLS));
  const starts = new Uint32Array(CELLS * CELLS + 1);
  for (let i = 0; i < count; i += 1) starts[cell(i) + 1] += 1;
  for (let c = 0; c < CELLS * CELLS; c += 1) starts[c + 1] += starts[c];
  const next = starts.slice();
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) order[next[cell(i)]++] = i;
  return { starts, order };
}

// Visit every point whose cell touches the rectangle, in map units. `visit` returns true to stop.
function visitPoints(left, top, right, bottom, visit) {
  const clamp = (v) => Math.max(0, Math.min(CELLS - 1, Math.floor(v * CELLS)));
  for (let row = clamp(top); row <= clamp(bottom); row += 1) {
    for (let column = clamp(left); column <= clamp(right); column += 1) {
      const c = row * CELLS + column;
      for (let k = points.cells.starts[c]; k < points.cells.starts[c + 1]; k += 1) if (visit(points.cells.order[k])) return;
    }
  }
}
