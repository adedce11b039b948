// The frame of the page: the view in use and everything a link should bring back live in the address.
//
//   panelseek.listen(fn)       fn(params, view) at once and after every change of the address
//   panelseek.go("?q=rain")    to another address, a step in the browser's history ({replace: true}: no step)
//   panelseek.href({panel: 7}) this address with changes; null takes a part away
//
// Links whose address begins with ? are followed without loading the page again.
window.panelseek = (() => {
  const views = ["search", "library", "map", "lookalikes", "build"];
  const listeners = [];
  const params = () => new URLSearchParams(location.search);

  function view() {
    const named = params().get("view");
    return views.includes(named) ? named : "search";
  }

  function show() {
    document.documentElement.dataset.view = view();
    for (const link of document.querySelectorAll(".tabs a")) {
      if (link.dataset.view === view()) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    for (const listener of listeners) listener(params(), view());
  }

  function go(href, { replace = false } = {}) {
    const target = new URL(href || "?", location.href);
    if (target.href === location.href) return;
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
    listener(params(), view());
  }

  addEventListener("popstate", show);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="?"]');
    const asUsual = event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey;
    if (!link || asUsual || link.target) return;
    event.preventDefault();
    go(link.getAttribute("href"));
  });
  document.documentElement.dataset.view = view();
  return { listen, go, href, show };
})();

// A picture is shown small first, then as sharp as the screen can show it.
function sharpen(picture) {
  const needed = picture.clientWidth * devicePixelRatio;
  if (!picture.dataset.sharp || picture.naturalWidth >= needed * 0.9) return;
  const sharp = new Image();
  sharp.src = picture.dataset.sharp;
  delete picture.dataset.sharp;
  sharp.decode().then(() => (picture.src = sharp.src), () => {});
}

// `load` and `error` of pictures do not bubble, but they can be caught on their way down.
document.addEventListener("load", (event) => event.target.tagName === "IMG" && sharpen(event.target), true);
document.addEventListener("error", (event) => event.target.tagName === "IMG" && event.target.classList.add("missing"), true);
