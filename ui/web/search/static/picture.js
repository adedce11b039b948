// The picture of the question: chosen, dropped, pasted anywhere, or taken with the camera.
const MOST_BYTES = 50 * 2 ** 20;
const WRITTEN_IN = "input:not([type=checkbox], [type=file]), textarea, [contenteditable]"; // text is meant for them

function showSlot(html, upload) {
  const focused = slot.contains(document.activeElement) ? document.activeElement.dataset.do : null;
  if (html) {
    slot.innerHTML = html;
    if (upload) upload.slot = html;
  } else if (upload?.slot) {
    slot.innerHTML = upload.slot;
    showPart();
  }
  hearFile();
  if (focused !== null) (slot.querySelector(`[data-do="${focused}"]`) ?? slot.querySelector("#file")).focus();
}

// What is not part of the question is dimmed; the picture itself is not fetched again.
function showPart() {
  slot.querySelector(".part")?.remove();
  const part = partInAddress();
  if (!part) return;
  const shown = document.createElement("span");
  shown.className = "part";
  ["left", "top", "width", "height"].forEach((side, i) => (shown.style[side] = `${100 * part[i]}%`));
  slot.querySelector(".asking").append(shown);
}

function partInAddress() {
  const part = (new URLSearchParams(location.search).get("crop") ?? "").split(",").map(Number);
  return part.length === 4 && part.every(Number.isFinite) ? part : null;
}

async function take(file) {
  if (!file) return;
  document.querySelector("dialog.dialog")?.close(); // it is about the picture that was there
  if (file.size > MOST_BYTES) {
    const size = Math.round(file.size / 2 ** 20);
    return refuse(`This picture has ${size} MB; the limit is 50 MB. Save it smaller, or crop it first.`);
  }
  const waiting = busy();
  try {
    const { path } = await upload(file);
    const name = Date.now().toString(36);
    uploads.set(name, { path });
    panelseek.go(withTyped({ picture: name, like: null, crop: null, panel: null }));
  } catch {
    refuse("The picture did not reach the server: it may be larger than 50 MB, or the server has stopped.");
  } finally {
    waiting.over(false);
  }
}

function refuse(text) {
  newest += 1; // whatever is still under way is not what was asked last
  asked = null;
  settled = false;
  showAnswer({ problem: panelseek.notice(text) }, newest);
}

const pictureIn = (data) => [...(data?.files ?? [])].find((file) => file.type.startsWith("image/") || file.type === "");

// On the field itself: an answer may replace it while the system's dialog is open, and the file is chosen all the same.
function hearFile() {
  const field = slot.querySelector("#file");
  field.onchange = () => {
    take(field.files[0]);
    field.value = ""; // the same file may be chosen again
  };
}

document.addEventListener("paste", (event) => {
  const picture = pictureIn(event.clipboardData);
  if (!picture || (event.target.closest?.(WRITTEN_IN) && event.clipboardData.getData("text/plain"))) return;
  event.preventDefault();
  take(picture);
});

const dragged = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
document.addEventListener("dragover", (event) => {
  if (!dragged(event)) return;
  event.preventDefault();
  document.documentElement.classList.add("dropping");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.documentElement.classList.remove("dropping");
});
document.addEventListener("drop", (event) => {
  document.documentElement.classList.remove("dropping");
  if (!dragged(event)) return;
  event.preventDefault();
  take(pictureIn(event.dataTransfer) ?? event.dataTransfer.files[0]);
});

// ---- the camera

element.addEventListener("click", async (event) => {
  if (!event.target.closest('[data-do="camera"]')) return;
  const dialog = panelseek.dialog(
    "camera",
    `<h2>Take a picture</h2><video autoplay playsinline muted aria-label="What the camera sees"></video>
     <div class="dialog-buttons"><button type="button" class="button primary" data-do="shoot">Use this picture</button>
     <button type="button" class="button" data-do="cancel">Cancel</button></div>`,
  );
  const video = dialog.querySelector("video");
  let stream = null;
  dialog.addEventListener("close", () => stream?.getTracks().forEach((track) => track.stop()));
  dialog.addEventListener("click", (clicked) => {
    const does = clicked.target.closest("[data-do]")?.dataset.do;
    if (does === "shoot" && video.videoWidth) shoot(video);
    if (does) dialog.close();
  });
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    if (dialog.open) video.srcObject = stream;
    else stream.getTracks().forEach((track) => track.stop());
  } catch {
    dialog.close();
    refuse("There is no camera that this page may use. Choose, drop or paste a picture instead.");
  }
});

function shoot(video) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => take(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.92);
}
