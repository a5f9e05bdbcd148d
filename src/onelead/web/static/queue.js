// Needs a decision by keyboard alone: an element with data-key is pressed by its key, which a hint
// beside it shows. Without this, the same links and buttons do the same.

const TYPED = "input:not([type=radio]), textarea, select, [contenteditable]";

function press(element) {
  if (element.matches("input[type=radio]")) {
    element.checked = true;
    element.focus();
  }
  else element.click();
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest(TYPED)) return;
  const found = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
  if (!found) return;
  event.preventDefault();
  press(found);
});

for (const hint of document.querySelectorAll("[data-hint]")) hint.hidden = false;
