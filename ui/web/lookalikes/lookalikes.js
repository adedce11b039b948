// Groups of look-alikes; what a visitor takes apart is remembered, and can be taken back as long as the page is open.
const place = element.querySelector(".alikes-place");
const saidPlace = element.querySelector(".said-place");
let watching = false;
let loaded = false;

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
    loaded = !state.running;
  } catch {
    place.innerHTML = panelseek.unreachable();
  } finally {
    watching = false;
  }
}

let stopping = false;

async function more(button) {
  const part = document.createElement("div");
  part.innerHTML = (await server.lookalikes_state({ start: Number(button.dataset.start) })).html;
  const next = part.querySelector(".alikes summary");
  place.querySelector(".alikes").append(...part.querySelector(".alikes").children);
  button.closest(".more").replaceWith(...part.querySelectorAll(":scope > .more"));
  next?.focus();
}

async function apart(button) {
  const asked = { panel: Number(button.dataset.apart), others: button.dataset.others.split(" ").map(Number) };
  const problem = await server.lookalikes_apart(asked);
  if (problem) return (saidPlace.innerHTML = problem);
  const member = button.closest("li");
  member.classList.add("apart");
  button.hidden = true;
  saidPlace.innerHTML = '<p class="said-so">Remembered as not the same. <button type="button" class="button">Take it back</button></p>';
  const undo = saidPlace.querySelector("button");
  undo.focus();
  undo.addEventListener("click", async () => {
    const wrong = await server.lookalikes_apart({ ...asked, back: true });
    saidPlace.innerHTML = wrong;
    if (wrong) return;
    member.classList.remove("apart");
    button.hidden = false;
    button.focus();
  });
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do === "again") watch();
  if (button.dataset.look === "start") watch({ look: "start" });
  if (button.dataset.look === "stop") stopping = true;
  if (button.dataset.start) more(button);
  if (button.dataset.apart) apart(button);
});

panelseek.listen((_, view) => {
  if (view === "lookalikes" && !loaded) watch();
});
