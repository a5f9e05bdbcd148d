// Import: an upload with its progress, and a file that is read again as soon as it is to be read
// otherwise. Without this, the browser shows its own progress, and "Read it again" does the same.
//
//   data-upload, data-max="BYTES"   the form of the upload, and how large the file may be
//   data-reading                    the choices of how the file is read; data-read is their button

const form = document.querySelector("form[data-upload]");
if (form) form.addEventListener("submit", upload);

function part(name) {
  return form.querySelector(`[data-upload-${name}]`);
}

function complain(text) {
  part("problem").textContent = text;
  part("problem").hidden = false;
}

function upload(event) {
  const file = form.querySelector("[type=file]").files[0];
  if (!file) return;
  event.preventDefault();
  part("problem").hidden = true;
  if (file.size > Number(form.dataset.max)) {
    complain(`The file is larger than ${Math.floor(form.dataset.max / 1_048_576)} MiB.`);
    return;
  }
  const call = new XMLHttpRequest();
  const show = (is) => {
    part("progress").hidden = part("cancel").hidden = !is;
    form.querySelector("button:not([type])").disabled = is;
  };
  call.upload.onprogress = ({ loaded, total }) => {
    const percent = Math.floor((loaded / total) * 100);
    part("progress").querySelector("progress").value = percent;
    part("percent").textContent = `${percent} %`;
    part("text").textContent = percent < 100 ? "Uploading" : "Uploaded; it is being kept";
  };
  call.onload = () => {
    if (call.status < 400) return window.location.assign(call.responseURL);
    show(false);
    const page = new DOMParser().parseFromString(call.responseText, "text/html");
    complain(page.querySelector("#content [role=alert], #file-problem, #content .empty p")?.textContent.trim() || "The server refused the file.");
  };
  call.onerror = () => {
    show(false);
    complain("The upload broke off. Try it again.");
  };
  part("cancel").onclick = () => {
    call.abort();
    show(false);
  };
  show(true);
  call.open("POST", form.action);
  call.send(new FormData(form));
}

document.addEventListener("change", (event) => {
  const reading = event.target.closest("[data-reading]");
  const button = reading?.closest("form").querySelector("[data-read]");
  button?.form.requestSubmit(button);
});
