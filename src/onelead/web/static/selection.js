// A list with selectable rows: the whole page, a range with Shift, or all that match, and their
// number; and a search that continues until it finds leads. Without it, the boxes, buttons and links
// of the page do the same.

const LOOKS_MAX = 200;
const PAUSE_MS = 50;
let last = null;

const boxesOf = (form) => [...form.querySelectorAll('input[name="ids"]')];

function show(form) {
  const boxes = boxesOf(form);
  const chosen = boxes.filter((box) => box.checked).length;
  const all = form.querySelector("[data-all]");
  const page = form.querySelector("[data-page]");
  page.checked = chosen === boxes.length;
  page.indeterminate = chosen > 0 && chosen < boxes.length;
  const allBox = form.querySelector("[data-all-box]");
  if (allBox) allBox.hidden = !all.checked && chosen < boxes.length;
  const text = all?.checked ? all.nextElementSibling.textContent : chosen ? `${chosen} selected` : "";
  const shown = form.querySelector("[data-chosen]");
  if (shown.textContent !== text) shown.textContent = text;
  for (const button of form.querySelectorAll('button[name="action"]')) button.disabled = !chosen && !all?.checked;
  // One lead cannot be merged, and too many are not compared.
  for (const button of form.querySelectorAll("button[data-most]")) button.disabled = chosen < 2 || chosen > button.dataset.most || all?.checked;
}

function start() {
  const form = document.querySelector("form[data-selection]");
  if (!form?.querySelector("[data-page]")) return;
  form.querySelector("[data-page-box]").hidden = false;
  form.addEventListener("click", (event) => {
    const box = event.target.closest('input[name="ids"]');
    if (!box) return;
    const boxes = boxesOf(form);
    if (event.shiftKey && last?.isConnected) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
    }
    last = box;
  });
  form.addEventListener("change", (event) => {
    const all = form.querySelector("[data-all]");
    if (event.target.matches("[data-page]")) {
      for (const box of boxesOf(form)) box.checked = event.target.checked;
    }
    if (event.target.name === "ids" || event.target.matches("[data-page]")) {
      if (all && !event.target.checked) all.checked = false;
    }
    if (event.target === all && all.checked) {
      for (const box of boxesOf(form)) box.checked = true;
    }
    show(form);
  });
  show(form);
}

// Continues a search that has found nothing yet; its button does the same.
let looks = 0;

function lookFurther() {
  const link = document.querySelector("a[data-look]");
  if (!link || looks >= LOOKS_MAX) return;
  looks += 1;
  link.setAttribute("aria-disabled", "true");
  link.textContent = "Still searching…";
  setTimeout(() => link.isConnected && link.click(), PAUSE_MS);
}

function prepare() {
  start();
  lookFurther();
}

document.addEventListener("swapped", prepare);
// On a page that comes back from the history, the boxes are as they were.
window.addEventListener("pageshow", prepare, { once: true });
