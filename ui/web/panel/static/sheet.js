// The chosen panel lies over the page: what is behind it is inert, Escape goes back to what it was opened from.
// The address says which panel is open, so back and forward, links and other people's browsers all come here.
server = panelseek.reached(server);
const place = element.querySelector(".sheet-place");
const sheet = () => place.querySelector(".sheet");
let opener = null;
let shown = null;
let newest = 0;
let whole = false;

panelseek.listen((params) => {
  const panel = params.get("panel");
  if (panel === shown) return;
  if (!panel) return close();
  if (!shown) opener = document.activeElement;
  fetchPanel(params);
});

async function fetchPanel(params) {
  shown = params.get("panel");
  const asked = { panel: shown, here: location.search, q: params.get("q") ?? "" };
  const number = (newest += 1);
  const slow = setTimeout(() => number === newest && place.classList.add("slow"), 250);
  try {
    const html = await server.open_panel(asked);
    if (number === newest) show(html);
  } catch {
    if (number === newest) show(panelseek.unreachable("sheet"));
  } finally {
    clearTimeout(slow);
    if (number === newest) place.classList.remove("slow");
  }
}

function show(html) {
  const focused = place.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  place.innerHTML = html;
  behind(true);
  document.documentElement.classList.add("sheet-open");
  setWhole(whole);
  const again = focused && [...sheet().querySelectorAll("a[href]")].find((link) => link.ariaLabel === focused);
  (again ?? sheet().querySelector("#chosen-title")).focus({ preventScroll: true });
  sheet().querySelector(".tall .box")?.scrollIntoView({ block: "center" });
}

function close() {
  newest += 1;
  const hit = document.querySelector(`.cards > li[data-id="${CSS.escape(shown)}"] > .card`);
  shown = null;
  whole = false;
  place.innerHTML = "";
  place.classList.remove("slow");
  document.documentElement.classList.remove("sheet-open");
  behind(false);
  const here = opener?.isConnected && opener !== document.body ? opener : hit; // going back opens it from nowhere
  opener = null;
  here?.focus({ preventScroll: true });
}

function behind(inert) {
  for (let node = element; node.parentElement && node !== document.body; node = node.parentElement) {
    for (const other of node.parentElement.children) if (other !== node) other.inert = inert;
  }
}

const back = () => panelseek.go(panelseek.href({ panel: null }));

function setWhole(on) {
  whole = on;
  const button = sheet().querySelector('[data-do="whole"]');
  if (!button) return; // there is no page
  sheet().classList.toggle("whole", on);
  button.setAttribute("aria-pressed", on);
  button.querySelector("span").textContent = on ? "Panel" : "Whole page";
}

async function copy(button) {
  const said = button.querySelector("span");
  const lost = new URLSearchParams(location.search).has("picture");
  const link = new URL(panelseek.href(lost ? { picture: null, crop: null } : {}), location.href).href;
  try {
    await navigator.clipboard.writeText(link);
    said.textContent = lost ? "Copied, without your picture" : "Copied";
  } catch {
    said.textContent = "Copy it from the address bar";
  }
  panelseek.say(said.textContent);
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button?.dataset.do === "whole") setWhole(!whole);
  if (button?.dataset.do === "copy") copy(button);
  if (button?.dataset.do === "again") fetchPanel(new URLSearchParams(location.search));
  // from panel to panel is one step of the history, so that back leads to the results
  const step = event.target.closest("a[data-step]");
  if (step && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    panelseek.go(step.getAttribute("href"), { replace: true });
  }
});

document.addEventListener("keydown", (event) => {
  if (!shown || event.altKey || event.ctrlKey || event.metaKey) return;
  const step = { ArrowLeft: ".previous", ArrowRight: ".next" }[event.key];
  if (event.key === "Escape") whole ? setWhole(false) : back();
  else if (step) sheet()?.querySelector(`a${step}`)?.click();
});
