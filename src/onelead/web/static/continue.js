// Continues long work: a form with data-continue in the response to a form is sent again. Without
// this, its button does the same.

const PAUSE_MS = 50;

function goOn(root) {
  const form = root.matches?.("form[data-continue]") ? root : root.querySelector("form[data-continue]");
  if (!form) return;
  setTimeout(() => form.isConnected && form.requestSubmit(), PAUSE_MS);
}

document.addEventListener("swapped", (event) => goOn(event.detail));
goOn(document);
