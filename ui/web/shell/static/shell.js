// The frame of the page: the view in use and everything a link should bring back live in the address.
//
//   panelseek.listen(fn)       fn(params, view) at once and after every change of the address
//   panelseek.go("?q=rain")    to another address, a step in the browser's history ({replace: true}: no step)
//   panelseek.href({panel: 7}) this address with changes; null takes a part away
//   panelseek.reached(server)  the server's functions, which throw when it does not answer
//   panelseek.generation()     of the index, as the newest answer had it; what was shown of another is old
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
    document.querySelector("dialog.dialog")?.close(); // it was about what the address said before
    for (const listener of listeners) listener(params(), view());
  }

  function go(href, { replace = false } = {}) {
    const target = new URL(href || "?", location.href);
    if (target.href === location.href) return;
    dispatchEvent(new Event("leaving")); // what this step of the history is to keep is written now
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

  // ---- the server

  let generation = null;

  // Gradio's own functions answer `undefined` when the server is not there, which a view would show as it is.
  function reached(server) {
    const thrown = (name) => async (asked) => {
      const answer = await server[name](asked);
      if (answer === undefined) throw new Error(`${name}: no answer`);
      if (answer?.generation) generation = answer.generation;
      return answer;
    };
    return Object.fromEntries(Object.keys(server).map((name) => [name, thrown(name)]));
  }

  // ---- what every view needs to say

  const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const notice = (text) => `<p class="notice" role="alert">${escaped(text)}</p>`;

  // kind: "sheet" for a dialog, "beside" for the sentence alone, where the button that was used still stands
  function unreachable(kind) {
    const text = "The server does not answer. Is it still running?";
    const again = '<button type="button" class="button" data-do="again">Try again</button>';
    if (kind === "beside") return notice(text);
    if (kind !== "sheet") return `${notice(text)}<p>${again}</p>`;
    return `<div class="sheet small" role="dialog" aria-modal="true" aria-labelledby="chosen-title"><div class="sheet-side">
      <h2 id="chosen-title" tabindex="-1">This panel cannot be shown</h2>${notice(text)}
      <p class="dialog-buttons">${again}<a class="button" href="${escaped(href({ panel: null }))}">Back</a></p></div></div>`;
  }

  // read out by screen readers, seen by nobody
  function say(text) {
    let place = document.querySelector("#said-aloud");
    if (!place) {
      place = document.createElement("div");
      Object.assign(place, { id: "said-aloud", className: "quiet" });
      place.setAttribute("role", "status");
      document.body.append(place);
    }
    place.textContent = text;
  }

  // a dialog of the browser's own: focus stays in it, Escape closes it, and it goes when it is closed
  function dialog(name, html) {
    const box = document.createElement("dialog");
    box.className = `dialog ${name}`;
    box.innerHTML = html;
    const title = box.querySelector("h2");
    title.id = `dialog-${name}`;
    box.setAttribute("aria-labelledby", title.id);
    box.addEventListener("close", () => box.remove());
    (document.querySelector(".gradio-container .contain") ?? document.body).append(box); // where our styles hold
    box.showModal();
    return box;
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
  return { listen, go, href, show, reached, generation: () => generation, notice, unreachable, say, dialog };
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
