// The open panel as a PNG file, or on the clipboard. A sentence below the buttons names what went wrong.
const NO_CLIPBOARD = "This browser cannot copy pictures here. Save the picture instead.";
const COPY_REFUSED = "The browser refused to copy the picture. Save it instead.";

function noteAction(text) {
  const note = sheet()?.querySelector(".action-note");
  if (note) note.textContent = text;
}

async function savePicture(link) {
  noteAction("");
  try {
    noteAction(`Saved as ${await panelseek.save(link.getAttribute("href"))}`);
  } catch (error) {
    noteAction(error.message);
  }
}

// Safari requires that the picture is promised within the click, so it is not awaited before.
async function copyPicture(button) {
  noteAction("");
  if (!navigator.clipboard?.write || !window.ClipboardItem) return noteAction(NO_CLIPBOARD);
  let problem = COPY_REFUSED;
  const picture = panelseek.fetchFile(sheet().querySelector("[data-save]").getAttribute("href")).then(
    (file) => file.blob,
    (error) => {
      problem = error.message;
      throw error;
    },
  );
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
    button.querySelector("span").textContent = "Copied";
    panelseek.announce("Copied");
  } catch {
    noteAction(problem);
  }
}

element.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-save]");
  const button = event.target.closest('[data-do="copy-picture"]');
  if (button) copyPicture(button);
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  savePicture(link);
});
