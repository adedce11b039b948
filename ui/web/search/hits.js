// A new answer is brought into view; more hits of the same question, or the welcome, leave the page where it is.
let answered = "";

new MutationObserver(() => {
  const summary = element.querySelector(".summary");
  const answer = summary ? summary.dataset.answer : "";
  if (answer && answer !== answered) {
    const top = summary.getBoundingClientRect().top;
    if (top < 0 || top > innerHeight * 0.7) summary.scrollIntoView({ block: "start" });
    if (document.activeElement === document.body) summary.querySelector("h2").focus({ preventScroll: true });
  }
  answered = answer;
}).observe(element, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-answer"] });
