// A picture pasted anywhere on the page becomes the picture of the question.
document.addEventListener("paste", (event) => {
  const pasted = [...(event.clipboardData?.files ?? [])].find((file) => file.type.startsWith("image/"));
  const input = document.querySelector("#picture input[type=file]");
  if (!pasted || !input) return;
  event.preventDefault();
  const files = new DataTransfer();
  files.items.add(pasted);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
});
