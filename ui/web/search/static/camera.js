// A photo from the camera as the query image.
element.addEventListener("click", (event) => {
  if (event.target.closest('[data-do="camera"]')) openCamera();
});

async function openCamera() {
  const dialog = panelseek.dialog(
    "camera",
    `<h2>Take a photo</h2><video autoplay playsinline muted aria-label="Camera preview"></video>
     <div class="dialog-buttons"><button type="button" class="button primary" data-do="shoot">Use this photo</button>
     <button type="button" class="button" data-do="cancel">Cancel</button></div>`,
  );
  const video = dialog.querySelector("video");
  let stream = null;
  const stop = () => stream?.getTracks().forEach((track) => track.stop());
  dialog.addEventListener("close", stop);
  dialog.addEventListener("click", (event) => {
    const action = event.target.closest("[data-do]")?.dataset.do;
    if (action === "shoot" && video.videoWidth) takePhoto(video);
    if (action) dialog.close();
  });
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    if (dialog.open) video.srcObject = stream;
    else stop();
  } catch {
    dialog.close();
    showProblem("No camera, or permission refused. Choose, drop or paste an image instead.");
  }
}

function takePhoto(video) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  canvas.toBlob((blob) => uploadAndSearch(new File([blob], "camera.jpg", { type: "image/jpeg" })), "image/jpeg", 0.92);
}
