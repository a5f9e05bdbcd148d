// Lists that can be reordered: by dragging, with the arrow keys, or with two buttons.
//
//   data-sortable        a list; its rows have data-sort-item
//   data-sort-handle     the button of a row to drag it by; arrow keys on it move the row
//   data-sort-step       a button that moves its row by -1 or 1; without this it submits a form
//   data-sort-form       the form of a row that saves the row's place immediately; without it,
//                        the places are saved with the form that contains the list
//   data-sort-remove, data-sort-add, data-sort-name   further parts of a row of options
//   data-sort-live       tells screen readers where a row is now

const itemsOf = (list) => [...list.querySelectorAll(":scope > [data-sort-item]")];
const listOf = (element) => element.closest("[data-sortable]");
const itemOf = (element) => element.closest("[data-sort-item]");

function nameOf(item) {
  const input = item.querySelector("[data-sort-name]");
  return (input ? input.value.trim() : item.dataset.name) || "The new option";
}

function announce(list, text) {
  const live = list.parentElement.querySelector("[data-sort-live]");
  if (live) live.textContent = text;
}

// The names and values of buttons contain the place of their row.
function number(list) {
  itemsOf(list).forEach((item, index) => {
    const name = nameOf(item);
    const savesImmediately = item.querySelector("[data-sort-form]");
    item.querySelector("[data-sort-name]")?.setAttribute("aria-label", `Option ${index + 1}`);
    item.querySelector("[data-sort-handle]")?.setAttribute("aria-label", `Move ${name}`);
    for (const button of item.querySelectorAll("[data-sort-step]")) {
      const isUp = button.dataset.sortStep === "-1";
      button.setAttribute("aria-label", `Move ${name} ${isUp ? "up" : "down"}`);
      button.value = savesImmediately ? Math.max(1, index + (isUp ? 0 : 2)) : `${index}:${isUp ? "up" : "down"}`;
    }
    const remove = item.querySelector("[data-sort-remove]");
    if (remove) {
      remove.value = index;
      remove.setAttribute("aria-label", `Remove ${name}`);
    }
  });
}

// Places are saved one after the other, in the order in which they were changed.
let saving = Promise.resolve();

function save(item, list) {
  const form = item.querySelector("[data-sort-form]");
  if (!form) return;
  const body = new URLSearchParams(new FormData(form));
  body.set("order", itemsOf(list).indexOf(item) + 1);
  saving = saving.then(async () => {
    const response = await fetch(form.action, { method: "POST", body, credentials: "same-origin" });
    // Without a session, the response is the sign-in page.
    const isSaved = response.ok && new URL(response.url).pathname === window.location.pathname;
    if (!isSaved) throw new Error(response.status);
  }).catch(() => window.location.reload());
}

function settled(item, list) {
  number(list);
  const items = itemsOf(list);
  announce(list, `${nameOf(item)} is now number ${items.indexOf(item) + 1} of ${items.length}.`);
  save(item, list);
}

function move(item, steps) {
  const list = listOf(item);
  const items = itemsOf(list);
  const from = items.indexOf(item);
  const to = Math.min(items.length - 1, Math.max(0, from + steps));
  if (to === from) {
    announce(list, `${nameOf(item)} is already ${from ? "last" : "first"}.`);
    return;
  }
  const focused = document.activeElement;
  list.insertBefore(item, to > from ? items[to].nextSibling : items[to]);
  // A moved element loses the focus.
  if (item.contains(focused)) focused.focus();
  item.scrollIntoView({ block: "nearest" });
  settled(item, list);
}

function add(list, after, name = "") {
  const template = document.getElementById(`${list.id}-row`);
  const item = template.content.firstElementChild.cloneNode(true);
  const input = item.querySelector("[data-sort-name]");
  input.value = name;
  list.insertBefore(item, after ? after.nextSibling : null);
  prepare(item);
  number(list);
  input.focus();
  return item;
}

function remove(item) {
  const list = listOf(item);
  const next = item.nextElementSibling ?? item.previousElementSibling;
  const name = nameOf(item);
  item.remove();
  number(list);
  announce(list, `${name} was removed. Save to keep the change.`);
  const focus = next?.querySelector("[data-sort-name]") ?? document.querySelector(`[data-sort-add="${list.id}"]`);
  focus?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const item = itemOf(button);
  if (button.dataset.sortStep && item) move(item, Number(button.dataset.sortStep));
  else if ("sortRemove" in button.dataset && item) remove(item);
  else if (button.dataset.sortAdd) add(document.getElementById(button.dataset.sortAdd));
  else return;
  event.preventDefault();
});

const STEPS = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

document.addEventListener("keydown", (event) => {
  const item = event.target.closest?.("[data-sort-item]");
  if (!item || event.ctrlKey || event.metaKey) return;
  const isOnHandle = event.target.closest("[data-sort-handle]");
  const isArrow = event.key.startsWith("Arrow");
  if (event.key in STEPS && (isOnHandle || (event.altKey && isArrow))) {
    event.preventDefault();
    move(item, STEPS[event.key]);
  } else if (event.key === "Enter" && "sortName" in event.target.dataset && !event.isComposing) {
    event.preventDefault();
    add(listOf(item), item);
  }
});

// A list pasted into an option becomes several options.
document.addEventListener("paste", (event) => {
  if (!("sortName" in (event.target.dataset ?? {}))) return;
  const lines = event.clipboardData.getData("text").split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  if (lines.length < 2) return;
  event.preventDefault();
  let item = itemOf(event.target);
  const list = listOf(item);
  if (!event.target.value.trim()) event.target.value = lines.shift();
  for (const line of lines) item = add(list, item, line);
});

document.addEventListener("input", (event) => {
  if ("sortName" in (event.target.dataset ?? {})) number(listOf(event.target));
});

const DRAGGED = ["bg-indigo-50", "dark:bg-indigo-950", "shadow-md", "relative", "z-10"];

document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest?.("[data-sort-handle]");
  if (!handle || event.button) return;
  const item = itemOf(handle);
  const list = listOf(item);
  const began = itemsOf(list).indexOf(item);
  event.preventDefault();
  handle.focus();
  item.classList.add(...DRAGGED);

  const drag = (moved) => {
    const middle = (other) => {
      const box = other.getBoundingClientRect();
      return box.top + box.height / 2;
    };
    const before = () => item.previousElementSibling;
    const after = () => item.nextElementSibling;
    while (before() && moved.clientY < middle(before())) list.insertBefore(item, before());
    while (after() && moved.clientY > middle(after())) list.insertBefore(after(), item);
    if (moved.clientY < 60) window.scrollBy(0, -12);
    if (moved.clientY > window.innerHeight - 60) window.scrollBy(0, 12);
  };
  const drop = () => {
    document.removeEventListener("pointermove", drag);
    document.removeEventListener("pointerup", drop);
    document.removeEventListener("pointercancel", drop);
    item.classList.remove(...DRAGGED);
    handle.focus();
    if (itemsOf(list).indexOf(item) !== began) settled(item, list);
  };
  document.addEventListener("pointermove", drag);
  document.addEventListener("pointerup", drop);
  document.addEventListener("pointercancel", drop);
});

function prepare(root) {
  for (const element of root.querySelectorAll("[data-sort-handle], [data-sort-hint]")) element.hidden = false;
}

prepare(document);
