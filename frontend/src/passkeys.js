// Passkeys: the server asks, the device answers. Buttons appear only where the browser can do it.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));

function text(buffer) {
  const signs = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(signs).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

const described = (list = []) => list.map((one) => ({ ...one, id: bytes(one.id) }));

// PublicKeyCredential.parse…OptionsFromJSON and toJSON do the same, and are younger than the browsers we serve.
async function make(options) {
  const credential = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: described(options.excludeCredentials),
    },
  });
  const { attestationObject, clientDataJSON } = credential.response;
  return written(credential, {
    attestationObject: text(attestationObject),
    clientDataJSON: text(clientDataJSON),
    transports: credential.response.getTransports(),
  });
}

async function show(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: described(options.allowCredentials),
  };
  const credential = await navigator.credentials.get({ publicKey });
  const { authenticatorData, clientDataJSON, signature, userHandle } = credential.response;
  return written(credential, {
    authenticatorData: text(authenticatorData),
    clientDataJSON: text(clientDataJSON),
    signature: text(signature),
    userHandle: userHandle && text(userHandle),
  });
}

function written(credential, response) {
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response, clientExtensionResults: {} };
}

async function post(address, body) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}

function explained(error) {
  if (error.name === "NotAllowedError") return "Nothing was changed: the device was not asked, or it took too long.";
  if (error.name === "InvalidStateError") return "This device has a passkey for your account already.";
  return error.message;
}

export function enhance(element) {
  if (!window.PublicKeyCredential) return;
  for (const form of element.querySelectorAll("[data-passkey]")) {
    form.hidden = false;
    const failure = form.querySelector("[data-passkey-error]");
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = form.querySelector("[type=submit]");
      button.disabled = true;
      failure.textContent = "";
      try {
        const options = await post(form.dataset.passkey + "/options", {});
        const credential = await (form.elements.name ? make(options) : show(options));
        const fields = Object.fromEntries(new FormData(form));
        window.location.assign((await post(form.dataset.passkey, { ...fields, credential })).next);
      } catch (error) {
        failure.textContent = explained(error);
        button.disabled = false;
      }
    });
  }
}
