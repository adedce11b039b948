// The open tab and the address, which holds everything that a link restores.
//
//   panelseek.listen(fn)       call fn(params, tab) now and after every change of the address
//   panelseek.go("?q=rain")    go to another address as a new history entry ({replace: true}: in place)
//   panelseek.href({panel: 7}) return this address with changes; null removes a parameter
//   panelseek.isOpen("map")    return true if a tab is open
//
// Links whose address begins with ? change the address without a page load.
window.panelseek = (() => {
  const tabs = ["search", "library", "collections", "map", "lookalikes", "build"];
  const listeners = [];
  const params = () => new URLSearchParams(location.search);

  function tab() {
    const named = params().get("tab");
    return tabs.includes(named) ? named : "search";
  }

  const isOpen = (name) => tab() === name;

  // Links from version 0.1 still work: their parameters get today's names.
  const RENAMED = { without: "not", fold: "group", elsewhere: "exclude", in: "view" };
  const VIEW_BY_WORDS = { said: "dialogue", drawn: "picture", both: "any" };

  function upgradeAddress() {
    const upgraded = params();
    if (tabs.includes(upgraded.get("view"))) {
      upgraded.set("tab", upgraded.get("view"));
      upgraded.delete("view");
    }
    for (const [old, name] of Object.entries(RENAMED)) {
      if (upgraded.get(old) && !upgraded.has(name)) upgraded.set(name, upgraded.get(old));
      upgraded.delete(old);
    }
    const view = VIEW_BY_WORDS[upgraded.get("words")];
    if (view && !upgraded.has("view")) upgraded.set("view", view);
    upgraded.delete("words");
    if (`${upgraded}` !== `${params()}`) history.replaceState(history.state, "", `?${upgraded}`);
  }

  function show() {
    upgradeAddress();
    document.documentElement.dataset.tab = tab();
    for (const link of document.querySelectorAll(".tabs a")) {
      if (link.dataset.tab === tab()) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.querySelector("dialog.dialog")?.close(); // it belongs to the previous address
    for (const listener of listeners) listener(params(), tab());
  }

  function go(href, { replace = false } = {}) {
    const target = new URL(href || "?", location.href);
    if (target.href === location.href) return;
    dispatchEvent(new Event("leaving")); // listeners save their state in this history entry
    history[replace ? "replaceState" : "pushState"](null, "", target.search || location.pathname);
    show();
  }

  function href(changes) {
    const changed = params();
    for (const [name, value] of Object.entries(changes)) {
      changed.delete(name);
      for (const each of [value].flat()) if (each !== null && each !== "") changed.append(name, each);
    }
    return `?${changed}`;
  }

  function listen(listener) {
    listeners.push(listener);
    listener(params(), tab());
  }

  addEventListener("popstate", show);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="?"]');
    const leftToBrowser = event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey;
    if (!link || leftToBrowser || link.target) return;
    event.preventDefault();
    go(link.getAttribute("href"));
  });
  upgradeAddress();
  document.documentElement.dataset.tab = tab();
  return { listen, go, href, show, isOpen };
})();
