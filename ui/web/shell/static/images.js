// Images of every tab.
(() => {
  // Replace a thumbnail by a sharper image if the screen shows it larger.
  function sharpen(image) {
    const needed = image.clientWidth * devicePixelRatio;
    if (!image.dataset.sharp || image.naturalWidth >= needed * 0.9) return;
    const sharp = new Image();
    sharp.src = image.dataset.sharp;
    delete image.dataset.sharp;
    sharp.decode().then(() => (image.src = sharp.src), () => {});
  }

  // `load` and `error` of images do not bubble; the capturing phase reaches them.
  document.addEventListener("load", (event) => event.target.tagName === "IMG" && sharpen(event.target), true);
  document.addEventListener("error", (event) => event.target.tagName === "IMG" && event.target.classList.add("missing"), true);
})();
