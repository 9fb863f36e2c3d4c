function refresh(table) {
  const boxes = [...table.querySelectorAll("tbody input[data-select-row]")];
  const all = table.querySelector("input[data-select-all]");
  const chosen = boxes.filter((box) => box.checked).length;
  all.checked = chosen > 0 && chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  for (const box of boxes) box.closest("tr").classList.toggle("is-selected", box.checked);
  const bar = document.getElementById(table.dataset.bulkForm);
  if (!bar) return;
  bar.classList.toggle("is-active", chosen > 0);
  const count = bar.querySelector("[data-selected-count]");
  if (count) count.textContent = chosen === 1 ? "1 selected" : `${chosen} selected`;
  for (const button of bar.querySelectorAll("button")) button.disabled = chosen === 0;
}

/** Tables with data-bulk-form: select all, count what is selected, and hold the actions back until something is. */
export function enhance(element) {
  for (const table of element.querySelectorAll("table[data-bulk-form]")) {
    const all = table.querySelector("input[data-select-all]");
    if (!all) continue;
    all.addEventListener("change", () => {
      for (const box of table.querySelectorAll("tbody input[data-select-row]")) box.checked = all.checked;
      refresh(table);
    });
    table.addEventListener("change", () => refresh(table));
    refresh(table);
  }
  // The search was sent while it was typed; leaving the field must not bring the rows anew under a hand that ticks them.
  for (const search of element.querySelectorAll("form[hx-get] input[type=search]")) {
    search.addEventListener("change", (event) => event.stopPropagation());
  }
  for (const region of element.querySelectorAll("[data-scroll-region]")) {
    const mark = () => region.classList.toggle("can-scroll", region.scrollWidth > region.clientWidth + 1);
    new ResizeObserver(mark).observe(region);
  }
}

// Sorting changes the address without touching the forms above the table: what they keep is what stands there now.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.detail.elt.matches("form[method=get]")) return;
  const present = new URLSearchParams(location.search);
  for (const kept of event.detail.elt.querySelectorAll("input[type=hidden]")) {
    if (present.has(kept.name)) event.detail.parameters[kept.name] = present.get(kept.name);
  }
});
