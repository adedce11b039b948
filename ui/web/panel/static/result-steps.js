// From result to result while a panel is open: "Result 3 of 36", or from panel to panel of an open collection.
// A step to a neighbour in the story keeps the place.
let placeInResults = null; // id of the result that was opened last

const LISTS = {
  search: { items: "#answer > ol.cards > li[data-id]", more: "#more:not([hidden])", name: "Result" },
  collections: { items: ".collection-panels > li[data-id]", more: "#collections .more button", name: "Panel" },
};
const openList = () => Object.entries(LISTS).find(([tab]) => panelseek.isOpen(tab))?.[1];
const resultItems = () => (openList() ? [...document.querySelectorAll(openList().items)] : []);
const resultItem = (id) => resultItems().find((item) => item.dataset.id === id);
const resultIds = () => resultItems().map((item) => item.dataset.id);
const moreResults = () => Boolean(openList() && document.querySelector(openList().more));

function showResultSteps() {
  const nav = sheet()?.querySelector(".result-steps");
  if (!nav) return;
  const ids = resultIds();
  if (ids.includes(shown)) placeInResults = shown;
  const at = ids.indexOf(placeInResults);
  nav.hidden = at < 0 || (ids.length < 2 && !moreResults());
  if (nav.hidden) return;
  nav.querySelector(".result-place").textContent = `${openList().name} ${at + 1} of ${ids.length}${moreResults() ? "+" : ""}`;
  nav.querySelector('[data-result="-1"]').disabled = at === 0;
  nav.querySelector('[data-result="1"]').disabled = at === ids.length - 1 && !moreResults();
}

function goToResult(step) {
  const ids = resultIds();
  const at = ids.indexOf(placeInResults);
  const target = ids[at + step];
  if (at < 0) return;
  if (target) panelseek.go(panelseek.href({ panel: target }), { replace: true });
  else if (step > 0 && moreResults()) dispatchEvent(new Event("needmoreresults"));
}

// The further results have come: go on to the first of them.
addEventListener("moreresults", () => {
  if (shown) goToResult(1);
  showResultSteps();
});

addEventListener("listshown", showResultSteps); // after the panel, if an address names both

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-result]");
  if (button) goToResult(Number(button.dataset.result));
});

document.addEventListener("keydown", (event) => {
  if (!shown || event.altKey || event.ctrlKey || event.metaKey) return;
  const step = { j: 1, k: -1 }[event.key.toLowerCase()];
  if (step && !sheet()?.querySelector(".result-steps")?.hidden) goToResult(step);
});
