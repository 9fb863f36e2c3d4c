// Runs in <head> before anything is painted, so that a page never flashes in the wrong theme.
// Without a stored choice the style sheet follows prefers-color-scheme on its own.
const root = document.documentElement;
root.classList.replace("no-js", "js");
try {
  const choice = localStorage.getItem("academe-theme");
  if (choice === "light" || choice === "dark") root.dataset.theme = choice;
} catch {
  // Storage can be switched off; then the theme follows the system.
}
