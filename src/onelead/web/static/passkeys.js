// Asks a passkey and sends its answer with a form.
//
//   data-passkey="get|create"  on a button: ask for a passkey that exists, or make one
//   data-options="PATH"        on the same: where the question comes from
//   data-answer="PENDING|..."  on hidden fields of its form: what is sent with the answer
//   data-passkey-problem       on a hidden element of its form: says what went wrong
//   data-no-passkeys           on a hidden element: shown where the browser has no passkeys
//
// Browsers have passkeys only on https, and on http://localhost.

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const named = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }));

async function asked(button, form) {
  const csrf = form.querySelector("[name=csrf]").value;
  const body = new URLSearchParams({ csrf });
  const response = await fetch(button.dataset.options, { method: "POST", body, credentials: "same-origin" });
  if (!response.ok || response.redirected) throw new DOMException("", "QuestionFailed");
  return response.json();
}

async function answered(kind, publicKey) {
  publicKey.challenge = bytes(publicKey.challenge);
  if (kind === "create") {
    publicKey.user.id = bytes(publicKey.user.id);
    publicKey.excludeCredentials = named(publicKey.excludeCredentials);
    return navigator.credentials.create({ publicKey });
  }
  publicKey.allowCredentials = named(publicKey.allowCredentials);
  return navigator.credentials.get({ publicKey });
}

function asJson(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  const { id, type } = credential;
  return JSON.stringify({ id, rawId: text(credential.rawId), type, response, clientExtensionResults: {} });
}

const PROBLEMS = {
  QuestionFailed: "The server did not answer. Load the page again, or wait a few minutes after many attempts.",
  InvalidStateError: "This device already has a passkey for you.",
  SecurityError: "Passkeys need a host name and https, so they do not work at this address.",
};

async function use(button) {
  const form = button.form;
  const problem = form.querySelector("[data-passkey-problem]");
  problem.hidden = true;
  button.disabled = true;
  try {
    const { pending, publicKey } = await asked(button, form);
    const credential = await answered(button.dataset.passkey, publicKey);
    form.querySelector("[data-answer=pending]").value = pending;
    form.querySelector("[data-answer=credential]").value = asJson(credential);
    // The other fields of the form, such as a password, are not needed then.
    form.noValidate = true;
    form.requestSubmit();
  } catch (error) {
    problem.textContent = PROBLEMS[error.name] ?? "No passkey was used. Try again.";
    problem.hidden = false;
  } finally {
    button.disabled = false;
  }
}

const isPossible = Boolean(window.PublicKeyCredential && navigator.credentials);
for (const button of document.querySelectorAll("[data-passkey]")) {
  button.hidden = !isPossible;
  button.addEventListener("click", () => {
    if (button.dataset.passkey === "create" && !button.form.reportValidity()) return;
    use(button);
  });
}
for (const note of document.querySelectorAll("[data-no-passkeys]")) note.hidden = isPossible;
