// What every page does with a script. Nothing here is required: without it, the same links and
// forms load whole pages.
//
//   data-swap="ID"      on a link or form: load its page, and replace only the element ID here
//   data-refresh="MS"   on an element with an id: replace it by its newer version, again and again
//   data-copy="ID"      on a button: copy the text of the element ID
//   data-confirm="TEXT" on a form or button: ask before it is sent
//   data-focus          on an element that comes with the page: move the focus there
//   data-first          on an element: gets the focus when the element around it was replaced
//
// A form is sent once, however often its button is pressed. A form with data-swap keeps its input
// when no usable response comes: a template "unsent-..." of the page says why.

const PARTS = new DOMParser();

async function load(url, options = {}) {
  const response = await fetch(url, { credentials: "same-origin", ...options });
  const page = PARTS.parseFromString(await response.text(), "text/html");
  return { response, page };
}

// Replaces an element by the one with the same id in a loaded page; false when there is none.
function swap(id, page) {
  const here = document.getElementById(id);
  const there = page.getElementById(id);
  if (!here || !there) return false;
  here.replaceWith(document.adoptNode(there));
  prepare(there);
  document.dispatchEvent(new CustomEvent("swapped", { detail: there }));
  return true;
}

// Shows the element of a loaded page in place of the current one, or goes to that page.
function show(id, { response, page }, isForm = false) {
  if (!swap(id, page)) {
    if (!response.redirected && (isForm || !response.ok)) {
      // Show the result of the form, or the error, here: loading the address would show another page.
      swap("content", page);
      document.querySelector("#content [data-focus]")?.focus();
      return;
    }
    // Another page, as after a save that redirects. Its flash message was in this response and is
    // shown only once, so keep it.
    const flash = page.querySelector("#content > [role=status]");
    if (flash) sessionStorage.setItem("flash", flash.outerHTML);
    window.location.assign(response.url);
    return;
  }
  announce(page);
  const now = document.getElementById(id);
  (now.querySelector("[data-focus],[autofocus],[aria-invalid]") ?? now.querySelector("[data-first]") ?? now.querySelector("h2,h3,a,button"))?.focus({ preventScroll: true });
}

// Follows a link, or sends a GET form.
async function look(id, href) {
  busy(id, true);
  try {
    const loaded = await load(href);
    show(id, loaded);
    if (!loaded.response.redirected) history.replaceState(history.state, "", href);
  } catch {
    window.location.assign(href);
  } finally {
    busy(id, false);
  }
}

function busy(id, isBusy) {
  document.getElementById(id)?.setAttribute("aria-busy", String(isBusy));
}

const pathOf = (url) => new URL(url, window.location.href).pathname;

// Why the response to a form cannot be shown: a template says it, and the form stays as it is.
function unsent({ response, page }) {
  if (response.redirected && pathOf(response.url) === "/sign-in") return "signed-out";
  if (page.querySelector("[data-error=form_forged]")) return "outdated";
  return response.status >= 500 ? "failed" : "";
}

function complain(form, why) {
  const notice = document.getElementById(`unsent-${why}`).content.firstElementChild.cloneNode(true);
  notice.dataset.unsent = why;
  form.prepend(notice);
  notice.focus();
}

// After signing in again, the form needs the CSRF token of the new session.
async function renew(form) {
  const { page } = await load(window.location.href);
  const newer = page.querySelector("[name=csrf]");
  if (newer) form.querySelector("[name=csrf]").value = newer.value;
}

async function send(form, submitter) {
  const id = form.dataset.swap;
  const notice = form.querySelector("[data-unsent]");
  notice?.remove();
  busy(id, true);
  try {
    if (notice) await renew(form);
    const body = new URLSearchParams(new FormData(form, submitter));
    const action = submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? window.location.href;
    const loaded = await load(action, { method: "POST", body });
    const why = unsent(loaded);
    if (why) complain(form, why);
    else show(id, loaded, true);
  } catch {
    // It may have arrived: the user decides whether to send it again.
    complain(form, "unanswered");
  } finally {
    busy(id, false);
  }
}

// Shows the flash message of a loaded page, and announces it to screen readers.
function announce(page) {
  const main = document.getElementById("content");
  main?.querySelector(":scope > [role=status]")?.remove();
  const flash = page.querySelector("#content > [role=status]");
  if (flash && main) main.prepend(document.adoptNode(flash));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  look(link.dataset.swap, link.href);
});

const STOPPED_MS = 10_000;
// The forms that are being sent.
const sent = new WeakSet();

document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    return;
  }
  if (event.defaultPrevented) return;
  if (form.method === "post" && sent.has(form)) {
    event.preventDefault();
    return;
  }
  if (form.method === "post") sent.add(form);
  if (!form.dataset.swap) {
    // A user who stops the browser can press the button again.
    setTimeout(() => sent.delete(form), STOPPED_MS);
    return;
  }
  event.preventDefault();
  if (form.method === "post") {
    send(form, event.submitter).finally(() => sent.delete(form));
  } else {
    const url = new URL(form.action);
    url.search = new URLSearchParams(new FormData(form, event.submitter));
    look(form.dataset.swap, url.href);
  }
});

// On a page that comes back from the history, forms can be sent again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) sent.delete(form);
});

// Keeps empty fields out of the address. (Without this, the server redirects to the same.)
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.method !== "get") return;
  const filled = [...formData].filter(([, value]) => String(value).trim());
  for (const name of [...formData.keys()]) formData.delete(name);
  for (const [name, value] of filled) formData.append(name, value);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const text = document.getElementById(button.dataset.copy).textContent;
  const label = button.querySelector("span") ?? button;
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
    label.textContent = "Press Ctrl+C";
  }
  setTimeout(() => { label.textContent = before; }, 2000);
});

function refreshLater(element) {
  setTimeout(async () => {
    if (!element.isConnected) return;
    if (document.hidden) return refreshLater(element);
    try {
      // The header says that nobody looks: it must not keep the session alive.
      const { page } = await load(window.location.href, { headers: { "X-Refresh": "1" } });
      const had = element.contains(document.activeElement);
      if (!swap(element.id, page)) window.location.reload();
      if (had) document.getElementById(element.id)?.focus({ preventScroll: true });
    } catch {
      refreshLater(element);
    }
  }, Number(element.dataset.refresh) || 1000);
}

function prepare(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
  const refreshed = [...root.querySelectorAll("[data-refresh]")];
  if (root.matches?.("[data-refresh]")) refreshed.push(root);
  refreshed.forEach(refreshLater);
}

// Escape closes the menu of small screens.
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector("details[data-menu][open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

const kept = sessionStorage.getItem("flash");
if (kept) {
  sessionStorage.removeItem("flash");
  const flash = PARTS.parseFromString(kept, "text/html").body.firstElementChild;
  if (flash && !document.querySelector("#content > [role=status]")) {
    document.getElementById("content")?.prepend(document.adoptNode(flash));
  }
}

prepare(document.documentElement);
document.querySelector("[data-focus]")?.focus();
