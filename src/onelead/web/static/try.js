// Updates the command next to the form of Try it while the user types. The server writes the
// command, so that a form is read in only one place. Without this, the button Update does it.

const PAUSE_MS = 350;
const LIVE = ["curl", "match-hint"];
let timer;
let request;

async function update(form) {
  request?.abort();
  request = new AbortController();
  const data = new URLSearchParams(new FormData(form));
  data.set("do", "update");
  try {
    const response = await fetch(form.action, { method: "POST", body: data, credentials: "same-origin", signal: request.signal });
    if (!response.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const id of LIVE) {
      const there = page.getElementById(id);
      if (there) document.getElementById(id)?.replaceChildren(...there.childNodes);
    }
  } catch {
    // A newer request is on its way, or the server is down, which the buttons will show.
  }
}

function later(event) {
  const form = event.target.closest?.("form#upsert");
  if (!form) return;
  clearTimeout(timer);
  timer = setTimeout(() => form.isConnected && update(form), PAUSE_MS);
}

function prepare() {
  for (const button of document.querySelectorAll("button[data-update]")) button.hidden = true;
}

document.addEventListener("input", later);
document.addEventListener("change", later);
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("form#upsert");
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("button[value=check]"));
  }
});
document.addEventListener("submit", () => clearTimeout(timer));
document.addEventListener("swapped", () => {
  prepare();
  document.getElementById("result")?.scrollIntoView({ block: "nearest" });
});
prepare();
