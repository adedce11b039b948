// The query image: chosen, dropped, pasted, or taken with the camera.
const maxBytes = () => Number(slot.querySelector("#file").dataset.maxBytes);
const maxSize = () => `${Math.round(maxBytes() / 2 ** 20)} MB`;
const TEXT_FIELDS = "input:not([type=checkbox], [type=file]), textarea, [contenteditable]";

function showSlot(html, upload) {
  const focused = slot.contains(document.activeElement) ? document.activeElement.dataset.do : null;
  if (html) {
    slot.innerHTML = html;
    if (upload) upload.slot = html;
  } else if (upload?.slot) {
    slot.innerHTML = upload.slot;
    showCrop();
  }
  listenToFileField();
  if (focused !== null) (slot.querySelector(`[data-do="${focused}"]`) ?? slot.querySelector("#file")).focus();
}

// Dim everything outside the crop, without fetching the image again.
function showCrop() {
  slot.querySelector(".part")?.remove();
  const crop = cropInAddress();
  if (!crop) return;
  const rectangle = document.createElement("span");
  rectangle.className = "part";
  setRectangle(rectangle, crop);
  slot.querySelector(".asking").append(rectangle);
}

function setRectangle(rectangle, crop) {
  ["left", "top", "width", "height"].forEach((side, i) => (rectangle.style[side] = `${100 * crop[i]}%`));
}

// Return [left, top, width, height] as fractions of the image, or null.
function cropInAddress() {
  const crop = (new URLSearchParams(location.search).get("crop") ?? "").split(",").map(Number);
  return crop.length === 4 && crop.every(Number.isFinite) ? crop : null;
}

async function uploadAndSearch(file) {
  if (!file) return;
  document.querySelector("dialog.dialog")?.close(); // it belongs to the previous image
  if (file.size > maxBytes()) {
    const size = Math.ceil(file.size / 2 ** 20);
    return showProblem(`This image has ${size} MB; the limit is ${maxSize()}. Save it smaller or crop it first.`);
  }
  const indicator = showBusy();
  try {
    const { path } = await upload(file);
    const name = Date.now().toString(36);
    uploads.set(name, { path });
    panelseek.go(searchHref({ picture: name, like: null, crop: null, panel: null }));
  } catch {
    showProblem(`The image did not reach the server. It may be larger than ${maxSize()}, or the server has stopped.`);
  } finally {
    indicator.stop(false);
  }
}

function showProblem(text) {
  latest += 1; // a search under way must not replace the message
  currentQuery = null;
  settled = false;
  showAnswer({ problem: panelseek.notice(text) });
}

const imageIn = (data) => [...(data?.files ?? [])].find((file) => file.type.startsWith("image/") || file.type === "");

// The handler is on the field itself: an answer may replace the field while the system's file dialog is open.
function listenToFileField() {
  const field = slot.querySelector("#file");
  field.onchange = () => {
    uploadAndSearch(field.files[0]);
    field.value = ""; // allows choosing the same file again
  };
}

document.addEventListener("paste", (event) => {
  const image = imageIn(event.clipboardData);
  if (!image || (event.target.closest?.(TEXT_FIELDS) && event.clipboardData.getData("text/plain"))) return;
  event.preventDefault();
  uploadAndSearch(image);
});

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
document.addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  document.documentElement.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.documentElement.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  document.documentElement.classList.remove("dropping");
  if (!hasFiles(event)) return;
  event.preventDefault();
  uploadAndSearch(imageIn(event.dataTransfer) ?? event.dataTransfer.files[0]);
});
