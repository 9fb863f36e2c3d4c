function showRangeValue(range) {
  const output = range.form?.querySelector(`output[for~="${range.id}"]`);
  if (output) output.value = (range.dataset.template ?? "{}").replace("{}", range.value);
}

/** Sliders say their value while they move; forms that were sent cannot be sent twice; errors get the focus. */
export function enhance(element) {
  for (const range of element.querySelectorAll("input[type=range]")) {
    showRangeValue(range);
    range.addEventListener("input", () => showRangeValue(range));
  }
  for (const form of element.querySelectorAll("form[data-auto-submit]:not([hx-get])")) {
    form.addEventListener("change", () => form.requestSubmit());
  }
  for (const form of element.querySelectorAll("form[method=post]:not([hx-post])")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "true";
      // A form that answers with a file leaves its page in place, to be sent again.
      setTimeout(() => delete form.dataset.sent, 5000);
    });
  }
  element.querySelector("[data-error-summary]")?.focus();
}

// A page that comes back from the history must accept its forms again.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
