// Groups of look-alikes; what a visitor takes apart is remembered, and can be taken back as long as the page is open.
server = panelseek.reached(server);
const place = element.querySelector(".alikes-place");
let watching = false;
let loaded = null; // the generation of the index whose groups are shown

async function watch(asked = {}) {
  if (watching) return;
  watching = true;
  try {
    let state = await server.lookalikes_state(asked);
    place.innerHTML = state.html;
    while (state.running && document.documentElement.dataset.view === "lookalikes") {
      await new Promise((resolve) => setTimeout(resolve, 500));
      state = await server.lookalikes_state(stopping ? { look: "stop" } : {});
      stopping = false;
      if (place.innerHTML !== state.html) place.innerHTML = state.html;
    }
    loaded = state.running ? null : panelseek.generation();
  } catch {
    place.innerHTML = panelseek.unreachable();
  } finally {
    watching = false;
  }
}

let stopping = false;

async function more(button) {
  const below = button.closest(".more");
  below.querySelector(".notice")?.remove();
  const part = document.createElement("div");
  try {
    part.innerHTML = (await server.lookalikes_state({ start: Number(button.dataset.start) })).html;
  } catch {
    return below.insertAdjacentHTML("afterbegin", panelseek.unreachable("beside"));
  }
  const next = part.querySelector(".alikes summary");
  place.querySelector(".alikes").append(...part.querySelector(".alikes").children);
  below.replaceWith(...part.querySelectorAll(":scope > .more"));
  next?.focus();
}

// What is said about a panel stands at that panel, so that nothing moves and each can be taken back by itself.
async function apart(button) {
  const member = button.closest("li");
  const others = button.dataset.others.split(" ");
  if (!(await remember(member, others, false))) return;
  member.classList.add("apart");
  button.hidden = true;
  button.insertAdjacentHTML("afterend", '<p class="said-so">Remembered as not the same. <button type="button" class="button" data-back>Take it back</button></p>');
  member.querySelector("[data-back]").focus({ preventScroll: true });
  panelseek.say("Remembered as not the same.");
}

// Two panels that were both taken out stay apart until both are back.
async function takeBack(undo) {
  const member = undo.closest("li");
  const button = member.querySelector("[data-apart]");
  const out = (id) => member.parentElement.querySelector(`.apart[data-panel="${id}"]`);
  if (!(await remember(member, button.dataset.others.split(" ").filter((id) => !out(id)), true))) return;
  member.classList.remove("apart");
  member.querySelector(".said-so").remove();
  button.hidden = false;
  button.focus({ preventScroll: true });
  panelseek.say("Taken back.");
}

// Whether it was remembered; where it was not, the panel says why.
async function remember(member, others, back) {
  member.querySelector(".notice")?.remove();
  if (!others.length) return true;
  let problem;
  try {
    problem = await server.lookalikes_apart({ panel: Number(member.dataset.panel), others: others.map(Number), back });
  } catch {
    problem = panelseek.unreachable("beside");
  }
  member.insertAdjacentHTML("beforeend", problem);
  return !problem;
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do === "again") watch();
  if (button.dataset.look === "start") watch({ look: "start" });
  if (button.dataset.look === "stop") stopping = true;
  if (button.dataset.start) more(button);
  if (button.dataset.apart) apart(button);
  if ("back" in button.dataset) takeBack(button);
});

panelseek.listen((_, view) => {
  if (view === "lookalikes" && (loaded === null || loaded !== panelseek.generation())) watch();
});
