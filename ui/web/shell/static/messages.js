// Messages and dialogs of every tab.
//
//   panelseek.notice(text)       return an error message as HTML
//   panelseek.unreachable(kind)  return the message for a server that is down
//   panelseek.announce(text)     tell screen readers, without a change on screen
//   panelseek.dialog(name, html) open a modal dialog
(() => {
  const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const notice = (text) => `<p class="notice" role="alert">${escaped(text)}</p>`;

  // kind: "sheet" for an open panel; "line" for the sentence alone, where the button still stands
  function unreachable(kind) {
    const text = "The server does not answer. Is it still running?";
    const again = '<button type="button" class="button" data-do="again">Try again</button>';
    if (kind === "line") return notice(text);
    if (kind !== "sheet") return `${notice(text)}<p>${again}</p>`;
    return `<div class="sheet small" role="dialog" aria-modal="true" aria-labelledby="panel-title"><div class="sheet-side">
      <h2 id="panel-title" tabindex="-1">This panel cannot be shown</h2>${notice(text)}
      <p class="dialog-buttons">${again}<a class="button" href="${escaped(panelseek.href({ panel: null }))}">Back</a></p></div></div>`;
  }

  function announce(text) {
    let region = document.querySelector("#live-region");
    if (!region) {
      region = document.createElement("div");
      Object.assign(region, { id: "live-region", className: "quiet" });
      region.setAttribute("role", "status");
      document.body.append(region);
    }
    region.inert = false; // an open panel makes everything else inert
    region.textContent = text;
  }

  // The browser keeps the focus inside and closes the dialog on Escape.
  function dialog(name, html) {
    const box = document.createElement("dialog");
    box.className = `dialog ${name}`;
    box.innerHTML = html;
    const title = box.querySelector("h2");
    title.id = `dialog-${name}`;
    box.setAttribute("aria-labelledby", title.id);
    box.addEventListener("close", () => box.remove());
    (document.querySelector(".gradio-container .contain") ?? document.body).append(box); // our styles apply only there
    box.showModal();
    return box;
  }

  Object.assign(panelseek, { notice, unreachable, announce, dialog });
})();
