const order = ["auto", "light", "dark"];
const names = { auto: "as the system", light: "light", dark: "dark" };

function current() {
  return document.documentElement.dataset.theme ?? "auto";
}

function apply(choice) {
  const root = document.documentElement;
  if (choice === "auto") delete root.dataset.theme;
  else root.dataset.theme = choice;
  try {
    if (choice === "auto") localStorage.removeItem("academe-theme");
    else localStorage.setItem("academe-theme", choice);
  } catch {
    // Storage can be switched off; the choice then lasts for this page only.
  }
  document.dispatchEvent(new CustomEvent("academe:theme"));
}

function describe(button) {
  button.dataset.choice = current();
  button.setAttribute("aria-label", `Colour theme: ${names[current()]}. Change`);
  button.title = `Theme: ${names[current()]}`;
}

/** Buttons with data-theme-switch go round: as the system, light, dark. */
export function enhance(element) {
  for (const button of element.querySelectorAll("[data-theme-switch]")) {
    describe(button);
    button.addEventListener("click", () => {
      apply(order[(order.indexOf(current()) + 1) % order.length]);
      describe(button);
    });
  }
}

window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  document.dispatchEvent(new CustomEvent("academe:theme"));
});
