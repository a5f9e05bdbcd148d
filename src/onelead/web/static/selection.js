// A list whose rows can be selected: the whole page at once, a range with Shift, all that match,
// and how many they are; and a look for leads that goes on until it finds some. Without it the
// boxes, buttons and links of the page do the same.

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
  const said = form.querySelector("[data-chosen]");
  if (said.textContent !== text) said.textContent = text;
  for (const button of form.querySelectorAll('button[name="action"]')) button.disabled = !chosen && !all?.checked;
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

// A look that has found nothing yet goes on by itself; its button does the same.
let looks = 0;

function lookFurther() {
  const link = document.querySelector("a[data-look]");
  if (!link || looks >= LOOKS_MAX) return;
  looks += 1;
  link.setAttribute("aria-disabled", "true");
  link.textContent = "Looking further…";
  setTimeout(() => link.isConnected && link.click(), PAUSE_MS);
}

function prepare() {
  start();
  lookFurther();
}

document.addEventListener("swapped", prepare);
// A page that comes back from the history has its boxes as they were.
window.addEventListener("pageshow", prepare, { once: true });
