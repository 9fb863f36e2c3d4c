const words = { present: "present", absent: "absent", tardy: "late", excused: "excused" };

function count(form) {
  const chosen = [...form.querySelectorAll("input[type=radio]:checked")].map((box) => box.value);
  const parts = Object.entries(words).map(
    ([value, word]) => `${chosen.filter((one) => one === value).length} ${word}`,
  );
  const students = chosen.length === 1 ? "1 student" : `${chosen.length.toLocaleString("en")} students`;
  form.querySelector("[data-attendance-counts]").textContent = [students, ...parts].join(" · ");
}

function find(form, text) {
  const sought = text.trim().toLowerCase();
  for (const row of form.querySelectorAll("[data-label]")) row.hidden = !row.dataset.label.includes(sought);
}

/** Attendance grids: count while choosing, and find a student; the search field sends nothing. */
export function enhance(element) {
  for (const form of element.querySelectorAll("form[data-attendance]")) {
    const search = form.querySelector("input[type=search]");
    search?.removeAttribute("name");
    search?.addEventListener("input", () => find(form, search.value));
    search?.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    if (!form.querySelector("[data-attendance-counts]")) continue;
    form.addEventListener("change", () => count(form));
  }
}
