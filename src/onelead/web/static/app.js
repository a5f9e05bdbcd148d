// What every page has beside its HTML. Nothing here is needed: without it the same links and
// forms load whole pages.
//
//   data-swap="ID"      on a link or form: load its page, and replace only the element ID here
//   data-refresh="MS"   on an element with an id: replace it by its newer self, again and again
//   data-copy="ID"      on a button: copy the text of the element ID
//   data-confirm="TEXT" on a form or button: ask before it is sent
//   data-focus          on an element that comes with the page: move the focus there

const PARTS = new DOMParser();

async function load(url, options = {}) {
  const response = await fetch(url, { credentials: "same-origin", ...options });
  const page = PARTS.parseFromString(await response.text(), "text/html");
  return { response, page };
}

// Replaces the element of an id by the one of a loaded page; false when that page has none.
function swap(id, page) {
  const here = document.getElementById(id);
  const there = page.getElementById(id);
  if (!here || !there) return false;
  here.replaceWith(document.adoptNode(there));
  prepare(there);
  document.dispatchEvent(new CustomEvent("swapped", { detail: there }));
  return true;
}

async function swapFrom(id, url, options, href) {
  const box = document.getElementById(id);
  box?.setAttribute("aria-busy", "true");
  let loaded;
  try {
    loaded = await load(url, options);
  } catch {
    box?.removeAttribute("aria-busy");
    return false;
  }
  const { response, page } = loaded;
  if (!swap(id, page)) {
    if (options?.method && !response.redirected) {
      // What went wrong, in place of the page.
      return swap("content", page);
    }
    // Another page, as after a sign-out or a save that leads elsewhere. Its notice came just now
    // and comes only once.
    const said = page.querySelector("#content > [role=status]");
    if (said) sessionStorage.setItem("said", said.outerHTML);
    window.location.assign(response.url);
    return true;
  }
  announce(page);
  const now = document.getElementById(id);
  (now.querySelector("[data-focus],[autofocus],[aria-invalid]") ?? now.querySelector("h2,h3,a,button"))?.focus({ preventScroll: true });
  if (href && !options?.method) history.replaceState(history.state, "", href);
  return true;
}

// Says to screen readers, and shows, what the page after a form wants to say.
function announce(page) {
  const main = document.getElementById("content");
  main?.querySelector(":scope > [role=status]")?.remove();
  const said = page.querySelector("#content > [role=status]");
  if (said && main) main.prepend(document.adoptNode(said));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  swapFrom(link.dataset.swap, link.href, undefined, link.href).then((ok) => ok || window.location.assign(link.href));
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    return;
  }
  if (!form.dataset.swap || event.defaultPrevented) return;
  event.preventDefault();
  const data = new URLSearchParams(new FormData(form, event.submitter));
  const action = event.submitter?.getAttribute("formaction") ?? form.getAttribute("action") ?? window.location.href;
  if (form.method === "get") {
    const url = new URL(action, window.location.href);
    url.search = data;
    swapFrom(form.dataset.swap, url, undefined, url.href).then((ok) => ok || form.submit());
  } else {
    swapFrom(form.dataset.swap, action, { method: "POST", body: data }, window.location.href).then((ok) => ok || form.submit());
  }
});

// An address says only what was filled in. (Without this the server sends there.)
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
      const { page } = await load(window.location.href);
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

// The menu of small screens closes by Escape.
document.addEventListener("keydown", (event) => {
  const menu = document.querySelector("details[data-menu][open]");
  if (event.key === "Escape" && menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

const unsaid = sessionStorage.getItem("said");
if (unsaid) {
  sessionStorage.removeItem("said");
  const said = PARTS.parseFromString(unsaid, "text/html").body.firstElementChild;
  if (said && !document.querySelector("#content > [role=status]")) {
    document.getElementById("content")?.prepend(document.adoptNode(said));
  }
}

prepare(document.documentElement);
document.querySelector("[data-focus]")?.focus();
