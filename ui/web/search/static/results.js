// The results: summary, cards, further cards on scrolling, groups, and the line below which results are unrelated.
const answer = element.querySelector("#answer");
const more = element.querySelector("#more");
const BUSY_AFTER = 400; // ms; most answers take less
const VERY_BUSY_AFTER = 6000; // ms

function showBusy() {
  const slow = setTimeout(() => answer.classList.add("busy"), BUSY_AFTER);
  const verySlow = setTimeout(() => answer.classList.add("very-busy"), VERY_BUSY_AFTER);
  answer.setAttribute("aria-busy", "true");
  return {
    stop(latestEnded) {
      clearTimeout(slow);
      clearTimeout(verySlow);
      if (latestEnded) clearBusy();
    },
  };
}

function clearBusy() {
  answer.classList.remove("busy", "very-busy");
  answer.removeAttribute("aria-busy");
}

function showAnswer(found) {
  clearBusy();
  const cards = found.cards ? `<ol class="cards">${found.cards}</ol>` : "";
  answer.innerHTML = `${found.problem ?? ""}${found.summary ?? ""}<div class="no-match" role="status"></div>${cards}${found.empty ?? ""}<div class="end-place">${found.end ?? ""}</div>`;
  answer.classList.toggle("results", Boolean(found.summary));
  showMoreButton(found.more);
  const heading = answer.querySelector(".summary h2");
  if (!heading) return;
  panelseek.announce(`${heading.textContent}. ${shownResults().length} results shown.`);
  if (heading.getBoundingClientRect().top < 0) heading.scrollIntoView({ block: "start" });
  showUnrelatedLine();
}

function showMoreButton(shown) {
  more.hidden = !shown;
  more.textContent = "More results";
}

const shownResults = () => [...answer.querySelectorAll(":scope > ol.cards > li[data-id]")];

// ---- scroll position

// The history entry stores how many results were shown, and which was topmost and where. Back requests as many
// and scrolls there, even if the window is another width by then or the threshold line comes later.
let settled = false; // the results match the address
let saveTimer = null;
const SAVE_DELAY = 250; // ms; browsers limit how often the history may be written

function savePosition() {
  if (!settled || !panelseek.isOpen("search")) return;
  const results = shownResults();
  const top = (result) => result.getBoundingClientRect().top;
  const first = scrollY > 0 && results.find((result) => top(result) >= 0);
  const position = first ? { hit: first.dataset.id, top: top(first) } : {};
  history.replaceState({ shown: results.length, ...position }, "");
}

function restorePosition(position) {
  settled = true;
  const result = position?.hit && shownResults().find((each) => each.dataset.id === position.hit);
  if (result) scrollBy(0, result.getBoundingClientRect().top - position.top);
  else if (position) scrollTo(0, 0);
  savePosition();
}

addEventListener("leaving", savePosition);
addEventListener("scroll", () => {
  clearTimeout(saveTimer);
  saveTimer = setTimeout(savePosition, SAVE_DELAY);
});

// ---- further results

let fetching = false;

async function fetchMore() {
  if (fetching || more.hidden || !settled) return; // a running search replaces the list
  fetching = true;
  more.classList.add("busy");
  const number = latest;
  const upload = uploads.get(new URLSearchParams(currentQuery).get("picture"));
  const request = { address: currentQuery, upload: upload?.path ?? null, start: shownResults().length };
  try {
    const found = await server.search(request);
    if (number === latest) appendResults(found);
  } catch {
    more.textContent = "The server does not answer. Try again";
    panelseek.announce(more.textContent);
  } finally {
    fetching = false;
    more.classList.remove("busy");
  }
}

function appendResults(found) {
  const ids = new Set(shownResults().map((item) => item.dataset.id));
  const part = document.createElement("ol");
  part.innerHTML = found.cards ?? "";
  const added = [...part.children].filter((item) => !ids.has(item.dataset.id));
  const focused = document.activeElement === more;
  answer.querySelector("ol.cards").append(...added);
  showMoreButton(found.more);
  answer.querySelector(".end-place").innerHTML = found.end ?? "";
  savePosition();
  showUnrelatedLine();
  panelseek.announce(`${added.length} more results.`);
  if (added.length) dispatchEvent(new Event("moreresults"));
  if (focused && added.length) added[0].querySelector("a").focus({ preventScroll: true });
}

more.addEventListener("click", fetchMore);
addEventListener("needmoreresults", () => panelseek.isOpen("search") && fetchMore()); // of the open panel
// Only on scrolling: with the keyboard the page must not grow before what lies below can be reached.
new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && scrollY > 0 && fetchMore(), {
  rootMargin: "600px",
}).observe(more);

// ---- groups

answer.addEventListener("click", (event) => {
  const button = event.target.closest('[data-do="unfold"]');
  if (!button) return;
  const item = button.closest("li");
  const open = answer.querySelector(`.grouped[data-of="${item.dataset.id}"]`);
  if (open) open.remove();
  else endOfRow(item).after(groupOf(item));
  button.setAttribute("aria-expanded", !open);
});

function groupOf(item) {
  const group = item.querySelector("template").content.cloneNode(true);
  group.firstElementChild.dataset.of = item.dataset.id;
  return group;
}

// A group opens below the whole row, so that the row does not change.
function endOfRow(item) {
  let last = item;
  while (last.nextElementSibling?.offsetTop === item.offsetTop) last = last.nextElementSibling;
  return last;
}

// ---- the line below which results are probably unrelated

const isUnrelated = (item) => item.dataset.close === "false";

function showUnrelatedLine() {
  for (const old of answer.querySelectorAll(".unrelated-line, .rest-of-row")) old.remove();
  const items = shownResults().filter((item) => item.dataset.close);
  if (!items.length) return;
  const first = items.findIndex((item, i) => isUnrelated(item) && items.slice(i).every(isUnrelated));
  answer.querySelector(".no-match").textContent = first === 0 ? "No close match. These are the nearest panels." : "";
  if (first > 0) items[first].before(listItem("rest-of-row"), listItem("unrelated-line", "Probably unrelated below"));
}

// Without text: an invisible filler that keeps the last row before the line as wide as its cards.
function listItem(className, text) {
  const item = document.createElement("li");
  item.className = className;
  if (text) item.textContent = text;
  else item.ariaHidden = "true";
  return item;
}
