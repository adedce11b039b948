// Calls to the server.
//
//   panelseek.connect(server)    return the server's functions; each throws if there is no answer
//   panelseek.generation()       return the index generation of the latest answer; older content is stale
//   panelseek.poll(tab, call, show)           show the states of a job until it ends or the tab closes
//   panelseek.appendMore(button, list, fetch) append the next part of a list
(() => {
  const POLL_INTERVAL = 500; // ms
  let generation = null;

  // Gradio's own functions return `undefined` if the server is down.
  function connect(server) {
    const checked = (name) => async (request) => {
      const answer = await server[name](request);
      if (answer === undefined) throw new Error(`${name}: no answer`);
      if (answer?.generation) generation = answer.generation;
      return answer;
    };
    return Object.fromEntries(Object.keys(server).map((name) => [name, checked(name)]));
  }

  async function poll(tab, call, show) {
    let state = await call();
    show(state);
    while (state.running && panelseek.isOpen(tab)) {
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));
      state = await call();
      show(state);
    }
    return state;
  }

  // `fetch(start)` returns HTML: a list, then the next button if there is more.
  async function appendMore(button, list, fetch) {
    const footer = button.closest(".more");
    footer.querySelector(".notice")?.remove();
    button.disabled = true;
    const part = document.createElement("div");
    try {
      part.innerHTML = await fetch(Number(button.dataset.start));
    } catch {
      button.disabled = false;
      return footer.insertAdjacentHTML("afterbegin", panelseek.unreachable("line"));
    }
    const next = part.querySelector("ol summary, ol a");
    list.append(...part.querySelector(":scope > ol").children);
    footer.replaceWith(...part.querySelectorAll(":scope > .more"));
    next?.focus();
  }

  Object.assign(panelseek, { connect, generation: () => generation, poll, appendMore });
})();
