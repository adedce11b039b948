// The chosen panel lies over the page: what is behind it is inert, Escape and × go back to the hit it came from.
let opener = null;

const sheet = () => element.querySelector(".sheet");

function setBehind(inert) {
  for (let node = element; node.parentElement && node !== document.body; node = node.parentElement) {
    for (const other of node.parentElement.children) {
      if (other !== node) other.inert = inert;
    }
  }
}

function open() {
  opener = document.activeElement;
  setBehind(true);
  document.documentElement.classList.add("sheet-open");
}

function close() {
  document.documentElement.classList.remove("sheet-open");
  setBehind(false);
  if (opener && opener.isConnected) opener.focus();
  opener = null;
}

function settle() {
  const shown = sheet();
  const isOpen = document.documentElement.classList.contains("sheet-open");
  if (shown && !isOpen) open();
  if (!shown && isOpen) close();
  if (!shown) return;
  const title = shown.querySelector("#chosen-title");
  if (!shown.contains(document.activeElement) || document.activeElement.disabled) title.focus({ preventScroll: true });
  const box = shown.querySelector(".tall .box");
  if (box) box.scrollIntoView({ block: "center" });
}

function goBack() {
  props.value = "";
}

element.addEventListener("click", (event) => {
  if (event.target.closest('[data-do="close"]') || event.target.classList.contains("sheet-backdrop")) goBack();
});

document.addEventListener("keydown", (event) => {
  if (!sheet() || event.altKey || event.ctrlKey || event.metaKey) return;
  const step = { ArrowLeft: ".previous", ArrowRight: ".next" }[event.key];
  if (event.key === "Escape") goBack();
  else if (step) sheet().querySelector(step)?.click();
});

new MutationObserver(settle).observe(element, { childList: true, subtree: true, attributes: true });
settle();
