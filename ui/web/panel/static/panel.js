// The open panel, a dialog over every tab. Everything behind it is inert; Escape returns to where it was opened.
// The address names the open panel, so back, forward and links work.
server = panelseek.connect(server);
const SLOW_AFTER = 250; // ms
const place = element.querySelector(".sheet-place");
const sheet = () => place.querySelector(".sheet");
let opener = null; // the element that had the focus before
let opened = null; // id of the panel that was opened first
let shown = null; // id of the open panel
let latest = 0; // number of the latest request
let wholePage = false;

panelseek.listen((params) => {
  const panel = params.get("panel");
  if (panel === shown) return;
  if (!panel) return close();
  if (!shown) {
    opener = document.activeElement;
    opened = panel;
  }
  fetchPanel(params);
});

async function fetchPanel(params) {
  shown = params.get("panel");
  const request = { panel: shown, here: location.search, q: params.get("q") ?? "" };
  const number = (latest += 1);
  const slow = setTimeout(() => number === latest && place.classList.add("slow"), SLOW_AFTER);
  try {
    const html = await server.open_panel(request);
    if (number === latest) show(html);
  } catch {
    if (number === latest) show(panelseek.unreachable("sheet"));
  } finally {
    clearTimeout(slow);
    if (number === latest) place.classList.remove("slow");
  }
}

function show(html) {
  const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  place.innerHTML = html;
  setBackgroundInert(true);
  document.documentElement.classList.add("sheet-open");
  setWholePage(wholePage);
  showResultSteps();
  const sameLink = focused && [...sheet().querySelectorAll("a[href], button[aria-label]")].find((link) => link.ariaLabel === focused);
  (sameLink ?? sheet().querySelector("#panel-title")).focus({ preventScroll: true });
  sheet().querySelector(".tall .box")?.scrollIntoView({ block: "center" });
}

function close() {
  latest += 1;
  const cards = document.querySelectorAll(`.cards > li[data-id="${CSS.escape(shown)}"] > .card`);
  const card = [...cards].find((each) => each.checkVisibility()); // another tab may have one, too
  const result = resultItem(placeInResults)?.querySelector(".card");
  if (placeInResults !== opened && result) (opener = result).scrollIntoView({ block: "nearest" });
  shown = opened = placeInResults = null;
  wholePage = false;
  place.innerHTML = "";
  place.classList.remove("slow");
  document.documentElement.classList.remove("sheet-open");
  setBackgroundInert(false);
  // after the Back button of the browser there is no opener
  const target = opener?.isConnected && opener !== document.body ? opener : card;
  opener = null;
  target?.focus({ preventScroll: true });
}

function setBackgroundInert(inert) {
  for (let node = element; node.parentElement && node !== document.body; node = node.parentElement) {
    for (const other of node.parentElement.children) if (other !== node) other.inert = inert;
  }
}

const leave = () => panelseek.go(panelseek.href({ panel: null }));

function setWholePage(on) {
  wholePage = on;
  const button = sheet().querySelector('[data-do="whole"]');
  if (!button) return; // the panel cannot be shown
  sheet().classList.toggle("whole", on);
  button.setAttribute("aria-pressed", on);
  button.querySelector("span").textContent = on ? "Panel" : "Whole page";
}

async function copyLink(button) {
  const label = button.querySelector("span");
  const hasUpload = new URLSearchParams(location.search).has("picture");
  const link = new URL(panelseek.href(hasUpload ? { picture: null, crop: null } : {}), location.href).href;
  try {
    await navigator.clipboard.writeText(link);
    label.textContent = hasUpload ? "Copied, without your image" : "Copied";
  } catch {
    label.textContent = "Copy it from the address bar";
  }
  panelseek.announce(label.textContent);
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button?.dataset.do === "whole") setWholePage(!wholePage);
  if (button?.dataset.do === "copy") copyLink(button);
  if (button?.dataset.do === "again") fetchPanel(new URLSearchParams(location.search));
  // going from panel to panel adds no history entry, so that Back leads to the results
  const step = event.target.closest("a[data-step]");
  if (step && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    panelseek.go(step.getAttribute("href"), { replace: true });
  }
});

document.addEventListener("keydown", (event) => {
  if (!shown || event.altKey || event.ctrlKey || event.metaKey) return;
  const step = { ArrowLeft: ".previous", ArrowRight: ".next" }[event.key];
  if (event.key === "Escape") wholePage ? setWholePage(false) : leave();
  else if (step) sheet()?.querySelector(`a${step}`)?.click();
});
