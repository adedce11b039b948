// The tab: all collections, or the panels of one. The address holds the open collection.
const place = element.querySelector(".collections-place");
let shown = null; // name of the open collection, "" for the list of all
let stale = false; // a panel was kept or not since it was shown
let latest = 0; // number of the latest request

const fetchPart = (open, start = 0) => (open ? server.collection_panels({ open, start }) : server.collection_list({ start }));

async function show(open) {
  const previous = shown;
  const focused = document.activeElement?.closest(".collection-panels > li")?.dataset.id;
  shown = open;
  stale = false;
  const number = (latest += 1);
  try {
    const { html } = await fetchPart(open);
    if (number !== latest) return;
    place.innerHTML = html;
    dispatchEvent(new Event("listshown"));
    if (previous !== null && previous !== open) place.querySelector("h3")?.focus();
    else if (focused) place.querySelector(`li[data-id="${CSS.escape(focused)}"] > .card`)?.focus({ preventScroll: true });
  } catch {
    if (number !== latest) return;
    shown = null; // fetched again on the next try
    place.innerHTML = panelseek.unreachable();
  }
}

async function showMore() {
  const button = place.querySelector(".more button");
  if (!button || button.disabled) return;
  const list = place.querySelector(":scope > ol");
  const before = list.children.length;
  await panelseek.appendMore(button, list, nextPart);
  if (list.children.length > before) dispatchEvent(new Event("moreresults"));
}

async function nextPart(start) {
  const { html } = await fetchPart(shown, start);
  if (!html.includes("<ol")) show(shown); // deleted meanwhile
  return html.includes("<ol") ? html : "<ol></ol>";
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.start) showMore();
  if (button?.dataset.do === "again") show(new URLSearchParams(location.search).get("open") ?? "");
});

addEventListener("needmoreresults", () => panelseek.isOpen("collections") && showMore());
addEventListener("collectionschanged", () => (stale = true));

panelseek.listen((params, tab) => {
  if (tab !== "collections") return void (shown = null); // others may change it meanwhile
  const open = params.get("open") ?? "";
  if (open !== shown || (stale && !params.get("panel"))) show(open);
});
