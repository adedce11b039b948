// The crop dialog: a rectangle drawn with the mouse or a finger, moved with the keyboard, or given in numbers.
// All values are fractions of the image, as in the address.
const MIN_SIDE = 0.02;
const KEY_STEP = 0.02;
const DEFAULT_CROP = [0.1, 0.1, 0.8, 0.8];
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

element.addEventListener("click", (event) => {
  if (event.target.closest('[data-do="crop"]')) openCrop(slot.querySelector(".asking img"));
});

function cropDialog(image) {
  const number = (side) =>
    `<label>${side}<input type="number" data-side="${side}" min="0" max="100" step="1" inputmode="numeric"> %</label>`;
  const dialog = panelseek.dialog(
    "crop",
    `<h2>Search with part of the image</h2>
     <p class="hint">Draw a rectangle<span class="with-keys">, or move it with the arrow keys and size it with Shift and
       the arrow keys</span>.</p>
     <div class="cropping"><div class="crop-picture"><img alt="" draggable="false"><span class="part" tabindex="0"
       role="group" aria-label="Selected part">${["nw", "ne", "sw", "se"].map((c) => `<i data-corner="${c}"></i>`).join("")}
     </span></div></div>
     <fieldset class="crop-numbers"><legend class="quiet">Selected part in numbers</legend>
       ${["left", "top", "width", "height"].map(number).join("")}</fieldset>
     <div class="dialog-buttons"><button type="button" class="button primary" data-do="part">Search this part</button>
     <button type="button" class="button" data-do="all">Whole image</button>
     <button type="button" class="button" data-do="cancel">Cancel</button></div>`,
  );
  dialog.addEventListener("close", () => slot.querySelector('[data-do="crop"]')?.focus());
  Object.assign(dialog.querySelector("img"), { src: image.src, alt: image.alt });
  return dialog;
}

function openCrop(image) {
  const dialog = cropDialog(image);
  const frame = dialog.querySelector(".crop-picture");
  const rectangle = dialog.querySelector(".part");
  const fields = [...dialog.querySelectorAll("[data-side]")];
  let crop = cropInAddress() ?? DEFAULT_CROP;

  function setCrop([left, top, width, height]) {
    const w = clamp(width, MIN_SIDE, 1);
    const h = clamp(height, MIN_SIDE, 1);
    crop = [clamp(left, 0, 1 - w), clamp(top, 0, 1 - h), w, h];
    setRectangle(rectangle, crop);
    fields.forEach((field, i) => {
      if (field !== document.activeElement) field.value = Math.round(100 * crop[i]);
    });
  }

  frame.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    event.preventDefault();
    frame.setPointerCapture(event.pointerId);
    const change = cropDrag(frame, event, crop);
    const follow = (moved) => setCrop(change(moved));
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
    const [left, top, width, height] = crop;
    if (event.shiftKey) setCrop([left, top, Math.min(width + KEY_STEP * x, 1 - left), Math.min(height + KEY_STEP * y, 1 - top)]);
    else setCrop([left + KEY_STEP * x, top + KEY_STEP * y, width, height]);
  });

  for (const [i, field] of fields.entries()) {
    field.addEventListener("input", () => {
      if (field.value !== "") setCrop(crop.map((value, j) => (i === j ? Number(field.value) / 100 : value)));
    });
    field.addEventListener("blur", () => setCrop(crop));
  }

  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.tagName !== "BUTTON") dialog.querySelector('[data-do="part"]').click();
  });

  dialog.addEventListener("click", (event) => {
    const action = event.target.closest("button[data-do]")?.dataset.do;
    if (!action) return;
    dialog.close();
    const part = crop.map((value) => Number(value.toFixed(3))).join(",");
    if (action !== "cancel") panelseek.go(searchHref({ crop: action === "part" ? part : null, panel: null }));
  });

  setCrop(crop);
  rectangle.focus();
}

// Return a function from a pointer event to the new crop: moved, resized at a corner, or drawn anew.
function cropDrag(frame, event, [left, top, width, height]) {
  const position = ({ clientX, clientY }) => {
    const box = frame.getBoundingClientRect();
    return [clamp((clientX - box.left) / box.width, 0, 1), clamp((clientY - box.top) / box.height, 0, 1)];
  };
  const [startX, startY] = position(event);
  const corner = event.target.dataset.corner;
  if (!corner && event.target.closest(".part")) {
    return (moved) => {
      const [x, y] = position(moved);
      return [left + x - startX, top + y - startY, width, height];
    };
  }
  const fixedX = corner ? left + (corner.includes("w") ? width : 0) : startX;
  const fixedY = corner ? top + (corner.includes("n") ? height : 0) : startY;
  return (moved) => {
    const [x, y] = position(moved);
    return [Math.min(x, fixedX), Math.min(y, fixedY), Math.abs(x - fixedX), Math.abs(y - fixedY)];
  };
}
