// The answer: its summary, its wall of cards, more of them when the end comes into view, and what lies in the folds.
const answer = element.querySelector("#answer");
const more = element.querySelector("#more");

function busy() {
  const slow = setTimeout(() => answer.classList.add("busy"), 400); // most answers are there by then
  const verySlow = setTimeout(() => answer.classList.add("very-busy"), 6000);
  answer.setAttribute("aria-busy", "true");
  return {
    over(really) {
      clearTimeout(slow);
      clearTimeout(verySlow);
      if (!really) return;
      answer.classList.remove("busy", "very-busy");
      answer.removeAttribute("aria-busy");
    },
  };
}

function showAnswer(found, number) {
  answer.classList.remove("busy", "very-busy");
  answer.removeAttribute("aria-busy");
  const cards = found.cards ? `<ol class="cards">${found.cards}</ol>` : "";
  answer.innerHTML = `${found.problem ?? ""}${found.summary ?? ""}<div class="closeness" role="status"></div>${cards}${found.wall ?? ""}<div class="end-place">${found.end ?? ""}</div>`;
  answer.classList.toggle("results", Boolean(found.summary));
  more.hidden = !found.more;
  more.textContent = "More results";
  const heading = answer.querySelector(".summary h2");
  if (heading) {
    panelseek.say(`${heading.textContent}. ${answer.querySelectorAll(".cards > li").length} hits shown.`);
    if (heading.getBoundingClientRect().top < 0) heading.scrollIntoView({ block: "start" });
    if (found.asked) measure(found.asked, number);
  }
}

// ---- the place in the list

// This step of the history keeps how many hits were shown, and which of them stood on top and where: going back asks for
// as many and scrolls there, also when the window is another width by then or the line between them comes later.
let settled = false; // the wall is the answer to the address
let keeping = null;
const WAIT = 250; // milliseconds; browsers count how often the history is written

function keepPlace() {
  if (!settled || !inSearch()) return;
  const hits = hitsShown();
  const top = (hit) => hit.getBoundingClientRect().top;
  const first = scrollY > 0 && hits.find((hit) => top(hit) >= 0);
  const place = first ? { hit: first.dataset.id, top: top(first) } : {};
  history.replaceState({ shown: hits.length, ...place }, "");
}

function returnTo(place) {
  settled = true;
  const hit = place?.hit && hitsShown().find((each) => each.dataset.id === place.hit);
  if (hit) scrollBy(0, hit.getBoundingClientRect().top - place.top);
  else if (place) scrollTo(0, 0);
  keepPlace();
}

const hitsShown = () => [...answer.querySelectorAll(":scope > ol.cards > li[data-id]")];

addEventListener("leaving", keepPlace);
addEventListener("scroll", () => {
  clearTimeout(keeping);
  keeping = setTimeout(keepPlace, WAIT);
});

// ---- more

let fetching = false;

async function fetchMore() {
  if (fetching || more.hidden) return;
  fetching = true;
  more.classList.add("busy");
  const number = newest;
  const wall = answer.querySelector("ol.cards");
  const start = wall.querySelectorAll(":scope > li[data-id]").length;
  const upload = uploads.get(new URLSearchParams(asked).get("picture"));
  try {
    const found = await server.search({ address: asked, upload: upload?.path ?? null, start });
    if (number !== newest) return;
    const known = new Set([...wall.querySelectorAll(":scope > li[data-id]")].map((item) => item.dataset.id));
    const box = document.createElement("ol");
    box.innerHTML = found.cards ?? "";
    const added = [...box.children].filter((item) => !known.has(item.dataset.id));
    const focus = document.activeElement === more;
    wall.append(...added);
    more.hidden = !found.more;
    more.textContent = "More results";
    answer.querySelector(".end-place").innerHTML = found.end ?? "";
    keepPlace();
    mark();
    panelseek.say(`${added.length} more hits.`);
    if (focus && added.length) added[0].querySelector("a").focus({ preventScroll: true });
  } catch {
    more.textContent = "The server does not answer. Try again";
    panelseek.say(more.textContent);
  } finally {
    fetching = false;
    more.classList.remove("busy");
  }
}

more.addEventListener("click", fetchMore);
// on scrolling, but never while the keyboard is on its way to what stands below
new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && scrollY > 0 && fetchMore(), {
  rootMargin: "600px",
}).observe(more);

// ---- folds

answer.addEventListener("click", (event) => {
  const button = event.target.closest('[data-do="unfold"]');
  if (!button) return;
  const item = button.closest("li");
  const open = answer.querySelector(`.folded-out[data-of="${item.dataset.id}"]`);
  if (open) open.remove();
  else endOfRow(item).after(folded(item));
  button.setAttribute("aria-expanded", !open);
});

function folded(item) {
  const fold = item.querySelector("template").content.cloneNode(true);
  fold.firstElementChild.dataset.of = item.dataset.id;
  return fold;
}

// what unfolds stands below the whole row, so that the row stays as it is
function endOfRow(item) {
  let last = item;
  while (last.nextElementSibling?.offsetTop === item.offsetTop) last = last.nextElementSibling;
  return last;
}

// ---- how close: what strangers reach in this library is measured there, so it may come later than the answer

let lines = {};
const LOOK_AGAIN = 1000; // milliseconds; a call that waited would keep one of the few connections of a browser

async function measure(kind, number) {
  lines = {};
  const views = [...new Set([...answer.querySelectorAll("li[data-view]")].map((item) => item.dataset.view))];
  if (!views.length) return;
  try {
    let found = { measuring: true };
    while (found.measuring) {
      found = await server.far({ asked: kind, views });
      if (number !== newest) return;
      if (found.measuring) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
      if (number !== newest) return;
    }
    lines = found.lines;
    mark();
  } catch {
    // nothing is said then
  }
}

const isFar = (item) => {
  const line = lines[item.dataset.view];
  return typeof line === "number" && Number(item.dataset.strength) <= line;
};

function mark() {
  const items = [...answer.querySelectorAll("ol.cards > li[data-strength]")].filter((i) => i.parentElement.matches("#answer > ol"));
  for (const old of answer.querySelectorAll(".far-line, .rest-of-row")) old.remove();
  if (!items.length) return;
  const first = items.findIndex((item, i) => isFar(item) && items.slice(i).every(isFar));
  const place = answer.querySelector(".closeness");
  place.textContent =
    first === 0 ? "Nothing in this library is close: these come no nearer than panels that have nothing to do with the question." : "";
  if (first <= 0) return;
  const line = document.createElement("li");
  line.className = "far-line";
  line.textContent = "from here on, no closer than chance";
  const rest = document.createElement("li"); // what is left of the row before it stays empty, as below the last card
  rest.className = "rest-of-row";
  rest.ariaHidden = "true";
  items[first].before(rest, line);
}
