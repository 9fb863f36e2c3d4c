const lifetime = 7000;

function dismiss(toast) {
  toast.classList.add("is-leaving");
  setTimeout(() => toast.remove(), 200);
}

function arm(toast) {
  toast.querySelector("[data-toast-close]").addEventListener("click", () => dismiss(toast));
  // Errors stay until they are closed; the clock of the others stops while somebody reads them.
  if (toast.dataset.kind === "danger") return;
  let timer = setTimeout(() => dismiss(toast), lifetime);
  const hold = () => clearTimeout(timer);
  const release = () => {
    clearTimeout(timer);
    timer = setTimeout(() => dismiss(toast), lifetime);
  };
  toast.addEventListener("mouseenter", hold);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("mouseleave", release);
  toast.addEventListener("focusout", release);
}

/** Shows a message by filling the template that the layout carries for every kind. */
export function show(kind, text) {
  const template = document.getElementById(`toast-${kind}`) ?? document.getElementById("toast-info");
  const region = document.getElementById("toasts");
  if (!template || !region) return;
  const toast = template.content.firstElementChild.cloneNode(true);
  toast.querySelector("[data-toast-text]").textContent = text;
  region.append(toast);
  arm(toast);
}

export function enhance(element) {
  for (const toast of element.querySelectorAll("[data-toast]:not([data-toast-example])")) arm(toast);
}

document.addEventListener("academe:toasts", (event) => {
  for (const { kind, text } of event.detail.value) show(kind, text);
});
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  const { status } = xhr;
  // The server has said it better, or leads elsewhere.
  if (xhr.getResponseHeader("HX-Trigger") || xhr.getResponseHeader("HX-Redirect")) return;
  if (status === 401) window.location.reload();
  else if (status === 429) show("warning", "That was a little fast. Please wait a moment and try again.");
  else if (status === 403) show("danger", "You do not have permission to do this.");
  else show("danger", `The server could not do this (${status}). Nothing was changed; please try again.`);
});
document.addEventListener("htmx:sendError", () => {
  show("danger", "The server cannot be reached. Check your connection and try again.");
});
