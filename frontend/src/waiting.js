// Progress that asks for itself every second is not something a person waits for.
function isPolling(element) {
  return element.getAttribute("hx-trigger")?.startsWith("every") ?? false;
}

let waiting = 0;

function count(change) {
  waiting = Math.max(0, waiting + change);
  document.documentElement.classList.toggle("is-waiting", waiting > 0);
}

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isPolling(event.detail.elt)) count(1);
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (!isPolling(event.detail.elt)) count(-1);
});

// What changed is said to those who do not see it change.
document.addEventListener("htmx:afterSettle", (event) => {
  const table = event.detail.elt;
  const announcer = document.getElementById("announcer");
  if (!announcer || !table.classList?.contains("data-table")) return;
  announcer.textContent = table.querySelector(".paging-count, .empty-title")?.textContent ?? "";
});
