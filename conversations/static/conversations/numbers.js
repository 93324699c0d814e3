// A click on a masked number shows the whole number; another click hides it.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button.number[data-number]");
  if (!button) return;
  event.preventDefault();
  const shown = button.textContent;
  button.textContent = button.dataset.number;
  button.dataset.number = shown;
  [button.title, button.dataset.title] = [button.dataset.title, button.title];
});
