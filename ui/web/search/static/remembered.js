// Recent and saved searches. They are kept by this browser only; nothing of them is sent.
const MOST = { recent: 12, saved: 100 };
const TITLE_CHARS = 120;
const storageKey = (kind) => `panelseek.${kind} ${location.pathname}`;

// Return [{query, title}], the latest first. What another program wrote there is left out.
function readSearches(kind) {
  try {
    const found = JSON.parse(localStorage.getItem(storageKey(kind)) ?? "[]");
    return found.filter((each) => typeof each?.query === "string" && typeof each?.title === "string");
  } catch {
    return [];
  }
}

// Return false if the browser stores nothing.
function writeSearches(kind, searches) {
  try {
    localStorage.setItem(storageKey(kind), JSON.stringify(searches.slice(0, MOST[kind])));
    return true;
  } catch {
    return false;
  }
}

// Called with each answer: list the searches on the start page, or remember the search and offer to save it.
function showRemembered(query, found) {
  const heading = answer.querySelector(".summary h2");
  if (!heading) return listRemembered();
  if (new URLSearchParams(query).has("picture")) return; // an upload is gone when this browser is closed
  const search = { query, title: heading.textContent.replace(/^Results for /, "").slice(0, TITLE_CHARS) };
  if (found.has_query) addRecent(search);
  heading.closest(".summary").append(saveButton(search));
}

// Filters refine a search: the latest one of the same words and picture is replaced.
function addRecent(search) {
  const subject = ({ query }) => ["q", "like"].map((name) => new URLSearchParams(query).get(name) ?? "").join("\n");
  const recent = readSearches("recent");
  if (recent.length && subject(recent[0]) === subject(search)) recent.shift();
  writeSearches("recent", [search, ...recent.filter((each) => each.query !== search.query)]);
}

function saveButton(search) {
  const button = document.createElement("button");
  const isSaved = () => readSearches("saved").some((each) => each.query === search.query);
  const showState = () => {
    button.setAttribute("aria-pressed", isSaved());
    button.textContent = isSaved() ? "Saved search" : "Save this search";
  };
  Object.assign(button, { type: "button", className: "button small save-search", onclick: toggle });
  showState();
  function toggle() {
    const others = readSearches("saved").filter((each) => each.query !== search.query);
    const stored = writeSearches("saved", isSaved() ? others : [search, ...others]);
    showState();
    if (!stored) button.textContent = "This browser stores no searches";
    panelseek.announce(stored ? (isSaved() ? "Saved. It is listed on the start page." : "No longer saved.") : button.textContent);
  }
  return button;
}

// ---- the start page

function listRemembered() {
  const welcome = answer.querySelector(".welcome");
  if (!welcome) return;
  for (const old of welcome.querySelectorAll(".remembered")) old.remove();
  welcome.prepend(...[searchList("saved", "Saved searches"), searchList("recent", "Recent searches")].filter(Boolean));
}

function searchList(kind, title) {
  const searches = readSearches(kind);
  if (!searches.length) return null;
  const section = document.createElement("section");
  section.className = "remembered";
  section.innerHTML = '<div class="remembered-head"><h2></h2></div><ul class="chips"></ul>';
  section.querySelector("h2").textContent = title;
  section.querySelector("ul").append(...searches.map(searchItem));
  if (kind === "recent") section.firstElementChild.append(forgetButton("Clear", "Clear the recent searches", () => []));
  return section;

  function searchItem({ query, title: name }) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    Object.assign(link, { href: `?${query}`, textContent: name, title: name, dir: "auto" });
    const others = () => readSearches(kind).filter((each) => each.query !== query);
    item.append(link, ...(kind === "saved" ? [forgetButton("×", `Remove the saved search ${name}`, others)] : []));
    return item;
  }

  function forgetButton(text, label, rest) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "button plain forget", textContent: text, ariaLabel: label });
    button.onclick = () => {
      writeSearches(kind, rest());
      listRemembered();
      form.elements.q.focus();
    };
    return button;
  }
}

addEventListener("storage", listRemembered); // of another window
