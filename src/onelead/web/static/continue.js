// Long work goes on by itself: a form with data-continue, which the answer to a form has, is sent
// again. Without this its button does the same.

const PAUSE_MS = 50;

function goOn(root) {
  const form = root.matches?.("form[data-continue]") ? root : root.querySelector("form[data-continue]");
  if (!form) return;
  setTimeout(() => form.isConnected && form.requestSubmit(), PAUSE_MS);
}

document.addEventListener("swapped", (event) => goOn(event.detail));
goOn(document);
