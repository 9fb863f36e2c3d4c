function openDialog(dialog) {
  if (!dialog.open) dialog.showModal();
}

/**
 * Links with data-dialog-open lead to a <dialog>. Without scripts the style sheet shows the target of the link;
 * here it becomes a real modal dialog with focus kept inside.
 */
export function enhance(element) {
  for (const opener of element.querySelectorAll("[data-dialog-open]")) {
    opener.addEventListener("click", (event) => {
      event.preventDefault();
      openDialog(document.getElementById(opener.hash.slice(1)));
    });
    opener.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      opener.click();
    });
  }
  for (const closer of element.querySelectorAll("[data-dialog-close]")) {
    closer.addEventListener("click", (event) => {
      const dialog = closer.closest("dialog");
      if (!dialog.open) return;
      event.preventDefault();
      dialog.close();
    });
  }
  for (const dialog of element.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
  }
}
