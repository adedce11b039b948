// Part of a picture becomes the question: a rectangle drawn with the mouse or a finger, moved with the keyboard, or
// given in numbers. All in fractions of the picture, as the address has them.
const SMALLEST = 0.02;

element.addEventListener("click", (event) => {
  if (event.target.closest('[data-do="crop"]')) openCrop(slot.querySelector(".asking img"));
});

function openCrop(picture) {
  const number = (side) =>
    `<label>${side}<input type="number" data-side="${side}" min="0" max="100" step="1" inputmode="numeric"> %</label>`;
  const dialog = panelseek.dialog(
    "crop",
    `<h2>Search with a part of the picture</h2>
     <p class="hint">Draw a rectangle<span class="with-keys">, or move it with the arrow keys and size it with Shift and
       the arrow keys</span>.</p>
     <div class="cropping"><div class="crop-picture"><img alt="" draggable="false"><span class="part" tabindex="0"
       role="group" aria-label="The part that asks">${["nw", "ne", "sw", "se"].map((c) => `<i data-corner="${c}"></i>`).join("")}
     </span></div></div>
     <fieldset class="crop-numbers"><legend class="quiet">The part in numbers</legend>
       ${["left", "top", "width", "height"].map(number).join("")}</fieldset>
     <div class="dialog-buttons"><button type="button" class="button primary" data-do="part">Search this part</button>
     <button type="button" class="button" data-do="all">Whole picture</button>
     <button type="button" class="button" data-do="cancel">Cancel</button></div>`,
  );
  dialog.addEventListener("close", () => slot.querySelector('[data-do="crop"]')?.focus());
  const image = dialog.querySelector("img");
  image.src = picture.src;
  image.alt = picture.alt;
  const frame = dialog.querySelector(".crop-picture");
  const rectangle = dialog.querySelector(".part");
  const fields = [...dialog.querySelectorAll("[data-side]")];
  let part = partInAddress() ?? [0.1, 0.1, 0.8, 0.8];

  function set(next) {
    const between = (value, low, high) => Math.min(Math.max(value, low), high);
    const width = between(next[2], SMALLEST, 1);
    const height = between(next[3], SMALLEST, 1);
    part = [between(next[0], 0, 1 - width), between(next[1], 0, 1 - height), width, height];
    ["left", "top", "width", "height"].forEach((side, i) => (rectangle.style[side] = `${100 * part[i]}%`));
    fields.forEach((field, i) => {
      if (field !== document.activeElement) field.value = Math.round(100 * part[i]);
    });
  }

  const at = (event) => {
    const box = frame.getBoundingClientRect();
    const within = (value) => Math.min(Math.max(value, 0), 1);
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  };

  frame.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    const start = at(event);
    const before = [...part];
    const corner = event.target.dataset.corner;
    const moving = !corner && event.target.closest(".part");
    const fixed = corner
      ? [corner.includes("w") ? before[0] + before[2] : before[0], corner.includes("n") ? before[1] + before[3] : before[1]]
      : start;
    const follow = (moved) => {
      const [x, y] = at(moved);
      if (moving) set([before[0] + x - start[0], before[1] + y - start[1], before[2], before[3]]);
      else set([Math.min(x, fixed[0]), Math.min(y, fixed[1]), Math.abs(x - fixed[0]), Math.abs(y - fixed[1])]);
    };
    frame.addEventListener("pointermove", follow);
    frame.addEventListener(
      "pointerup",
      () => {
        frame.removeEventListener("pointermove", follow);
        rectangle.focus();
      },
      { once: true },
    );
  });

  rectangle.addEventListener("keydown", (event) => {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    const by = 0.02;
    const [left, top, width, height] = part;
    if (event.shiftKey) set([left, top, Math.min(width + by * x, 1 - left), Math.min(height + by * y, 1 - top)]);
    else set([left + by * x, top + by * y, width, height]);
  });

  for (const [i, field] of fields.entries()) {
    field.addEventListener("input", () => {
      if (field.value !== "") set(part.map((value, j) => (i === j ? Number(field.value) / 100 : value)));
    });
    field.addEventListener("blur", () => set(part));
  }

  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.tagName !== "BUTTON") dialog.querySelector('[data-do="part"]').click();
  });

  dialog.addEventListener("click", (event) => {
    const does = event.target.closest("button[data-do]")?.dataset.do;
    if (!does) return;
    dialog.close();
    const crop = { part: part.map((value) => Number(value.toFixed(3))).join(","), all: null }[does];
    if (crop !== undefined) panelseek.go(withTyped({ crop, panel: null }));
  });

  set(part);
  rectangle.focus();
}
