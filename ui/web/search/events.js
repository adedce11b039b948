// Both parts of the page that are HTML run this once: the hits (and welcome), and the chosen panel.
// Clicks go to Python as events. The names are written out because Gradio looks for them in this text.
const EVENTS = ["choose", "like", "ask"];

element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button && EVENTS.includes(button.dataset.do)) {
    trigger(button.dataset.do, { panel: button.dataset.panel, text: button.dataset.text });
  }
});
