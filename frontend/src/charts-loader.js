// The chart library is fetched only by pages that hold a chart.
export function enhance(element) {
  const figures = [...element.querySelectorAll("figure[data-chart]")];
  if (element.matches?.("figure[data-chart]")) figures.push(element);
  if (figures.length === 0) return;
  import("./charts.js").then(({ draw }) => {
    for (const figure of figures) draw(figure);
  });
}
