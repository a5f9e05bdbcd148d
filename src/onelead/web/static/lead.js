// The forms of a lead: rows that come and go, tags as chips with completion, and the parts of the
// page next to a section that was saved. Without it, the same forms work, with an empty row to fill.
//
//   data-entries   a field with a row for each number or link
//   data-tags=URL  a field with a row for each tag; URL?prefix= responds with matching tags

const WAIT_MS = 150;

function button(label, classes, onClick) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = classes;
  made.textContent = label;
  made.addEventListener("click", onClick);
  return made;
}

let numbers = 0;

// Copies the last row, empty and with new ids.
function addRow(rows) {
  const last = rows.querySelector("[data-row]:last-of-type");
  const row = last.cloneNode(true);
  numbers += 1;
  for (const control of row.querySelectorAll("input, select")) {
    const label = row.querySelector(`label[for="${control.id}"]`);
    control.id = `${control.id}-${numbers}`;
    if (label) label.htmlFor = control.id;
    if (control.tagName === "INPUT") control.value = "";
  }
  for (const old of row.querySelectorAll("button")) old.remove();
  rows.append(row);
  return row;
}

function withRemove(row, rows, label) {
  row.classList.replace("sm:grid-cols-[1fr_7rem]", "sm:grid-cols-[1fr_7rem_auto]");
  row.append(button("×", "btn btn-quiet btn-icon", () => {
    if (rows.querySelectorAll("[data-row]").length === 1) withRemove(addRow(rows), rows, label);
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    next?.querySelector("input")?.focus();
  }));
  row.lastElementChild.setAttribute("aria-label", `Remove this entry from ${label}`);
}

function prepareEntries(field) {
  const rows = field.querySelector("[data-rows]");
  const label = field.querySelector("legend").textContent.trim();
  for (const row of rows.querySelectorAll("[data-row]")) withRemove(row, rows, label);
  field.querySelector("[data-hint]")?.remove();
  rows.after(button("Add another", "btn btn-small self-start", () => {
    const row = addRow(rows);
    withRemove(row, rows, label);
    row.querySelector("input").focus();
  }));
}

function chip(name, text, input) {
  const item = document.createElement("li");
  item.className = "chip max-w-full";
  const shown = document.createElement("span");
  shown.className = "truncate";
  shown.textContent = text;
  const kept = document.createElement("input");
  kept.type = "hidden";
  kept.name = name;
  kept.value = text;
  const remove = button("×", "btn btn-quiet min-h-6 min-w-6 rounded-full p-0 leading-none", () => {
    item.remove();
    input.focus();
  });
  remove.setAttribute("aria-label", `Remove the tag ${text}`);
  item.append(shown, kept, remove);
  return item;
}

function prepareTags(field) {
  const rows = field.querySelector("[data-rows]");
  const inputs = [...rows.querySelectorAll("input")];
  const { name } = inputs[0];
  const list = document.createElement("ul");
  list.className = "flex flex-wrap gap-2 empty:hidden";
  const input = inputs.at(-1);
  const label = rows.querySelector(`label[for="${input.id}"]`);
  label.textContent = "Add a tag";
  const add = () => {
    const text = input.value.trim();
    const known = [...list.querySelectorAll("input")].map((kept) => kept.value.toLowerCase());
    if (text && !known.includes(text.toLowerCase())) list.append(chip(name, text, input));
    input.value = "";
  };
  for (const each of inputs) if (each !== input && each.value.trim()) list.append(chip(name, each.value, input));
  for (const row of rows.querySelectorAll("[data-row]")) if (!row.contains(input)) row.remove();
  rows.before(list);
  const hint = field.querySelector("[data-hint]");
  if (hint) hint.textContent = "Press Enter to add the tag.";
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && input.value.trim()) {
      event.preventDefault();
      add();
    } else if (event.key === "Backspace" && !input.value && list.lastElementChild) {
      list.lastElementChild.remove();
    }
  });
  // A tag chosen from the list of completions arrives whole.
  input.addEventListener("input", (event) => {
    if (event.inputType === "insertReplacementText" || !event.inputType) add();
    else complete(field, input);
  });
}

let waiting = 0;

function complete(field, input) {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const url = new URL(field.dataset.tags, window.location.href);
    url.searchParams.set("prefix", input.value);
    try {
      const response = await fetch(url, { credentials: "same-origin" });
      if (!response.ok) return;
      const options = (await response.json()).map((tag) => {
        const option = document.createElement("option");
        option.value = tag;
        return option;
      });
      field.querySelector("datalist").replaceChildren(...options);
    } catch {
      // Completion is optional; typing works without it.
    }
  }, WAIT_MS);
}

// Replaces a part by its newer version; an open form stays, and a link keeps the focus.
function takeOver(here, there) {
  if (!there || here.querySelector("[data-lead-form]") || here.isEqualNode(there)) return;
  const focused = here.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  here.replaceWith(document.adoptNode(there));
  if (focused) there.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

// After a save, and after a change by somebody else, the rest of the page is outdated: the head, the
// history, and sections with the same values, such as the parts of the name.
async function refreshBeside() {
  try {
    const url = window.location.pathname;
    const response = await fetch(url, { credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (!page.getElementById("lead-head")) return;
    for (const here of document.querySelectorAll("#lead-head, #history, [id^=section-]")) {
      takeOver(here, page.getElementById(here.id));
    }
    document.title = page.title;
  } catch {
    // The next load of the page shows the newer parts.
  }
}

function prepare(root) {
  for (const field of root.querySelectorAll("[data-entries]")) prepareEntries(field);
  for (const field of root.querySelectorAll("[data-tags]")) prepareTags(field);
}

document.addEventListener("swapped", (event) => {
  const section = event.detail;
  prepare(section);
  const isOpen = section.querySelector("[data-lead-form]") && !section.querySelector("[name=resolve]");
  if (!section.id.startsWith("section-") || isOpen) return;
  refreshBeside();
  // A reload must not open the form again.
  if (!document.querySelector("[data-lead-form]")) history.replaceState(history.state, "", window.location.pathname);
});

prepare(document);
