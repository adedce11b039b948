// Calls to the server.
//
//   panelseek.connect(server)  return the server's functions; each throws if there is no answer
//   panelseek.generation()     return the index generation of the latest answer; older content is stale
//   panelseek.watcher({tab, call, show, done, fail})  return follow(command), which follows a job in a tab
//   panelseek.appendMore(button, list, fetch)         append the next part of a list
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

  // Follow a job: `show` each state that `call` returns, until the job ends or the tab closes. `done` gets the last one.
  // A command such as {start: true} goes to `call` with the next request; other requests send {}.
  function watcher({ tab, call, show, done, fail }) {
    let watching = false;
    let command = {};

    async function nextState() {
      const sent = command;
      command = {};
      const state = await call(sent);
      show(state);
      return state;
    }

    return async function follow(newCommand) {
      command = newCommand ?? command;
      if (watching) return;
      watching = true;
      try {
        let state = await nextState();
        while (state.running && panelseek.isOpen(tab)) {
          await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL));
          state = await nextState();
        }
        await done?.(state);
      } catch {
        fail();
      } finally {
        watching = false;
      }
    };
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

  Object.assign(panelseek, { connect, generation: () => generation, watcher, appendMore });
})();
