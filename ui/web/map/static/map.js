// The map of all panels: its elements and its state.
server = panelseek.connect(server);
const place = element.querySelector(".map-place");
const progressPlace = element.querySelector(".map-progress");
const canvas = element.querySelector("canvas");
const context = canvas.getContext("2d");
const tip = element.querySelector(".map-tip");
const countLine = element.querySelector(".map-status");
const list = element.querySelector(".map-list");

const WHOLE_MAP = { x: 0.5, y: 0.5, zoom: 1 };
let points = null; // {count, id, x, y, colour, cells}; coordinates from 0 to 1
let generation = null; // index generation of the points
let camera = { ...WHOLE_MAP }; // the point in the middle of the canvas, and the zoom
let placed = null; // thumbnails on screen as {i, x, y, w, h}, the topmost last; null while dots are drawn
let hovered = -1; // index of the point under the pointer
