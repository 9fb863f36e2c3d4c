import { BarChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent,
  GridComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, HeatmapChart, LineChart, ScatterChart]);
use([AriaComponent, GridComponent, MarkLineComponent, TooltipComponent, VisualMapComponent]);
use([CanvasRenderer]);

const formats = {
  number: (value) => value.toLocaleString("en"),
  percent: (value) => `${Math.round(value * 100)}%`,
};

// Custom properties hold light-dark(); only a painted element knows which of the two applies.
function colourReader() {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  return {
    read(name) {
      probe.style.color = name;
      return getComputedStyle(probe).color;
    },
    done: () => probe.remove(),
  };
}

function resolve(value, colours) {
  if (Array.isArray(value)) return value.map((one) => resolve(one, colours));
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, resolve(one, colours)]));
  }
  if (typeof value !== "string") return value;
  if (value.startsWith("var(--")) return colours.read(value);
  if (value.startsWith("format:")) return formats[value.slice("format:".length)];
  return value;
}

// Nodes, not markup: markup would need inline styles, which the content security policy forbids.
function tooltipContent(columns, row) {
  const title = document.createElement("div");
  title.className = "chart-tooltip-title";
  title.textContent = row[0];
  const list = document.createElement("dl");
  columns.slice(1).forEach((column, index) => {
    const term = document.createElement("dt");
    term.textContent = column;
    const value = document.createElement("dd");
    value.textContent = row[index + 1];
    list.append(term, value);
  });
  return [title, list];
}

function heatmapRow(spec, [column, row]) {
  const { columns, rows } = spec;
  return { columns: [rows[row][0], columns[column + 1]], row: [rows[row][0], rows[row][column + 1]] };
}

function tooltip(spec) {
  return (points) => {
    const point = Array.isArray(points) ? points[0] : points;
    if (point.seriesType === "heatmap") {
      const cell = heatmapRow(spec, point.value);
      return tooltipContent(cell.columns, cell.row);
    }
    const row = spec.rows[point.dataIndex];
    return row ? tooltipContent(spec.columns, row) : "";
  };
}

function axisDefaults(axis, look) {
  const isCategory = axis.type === "category";
  return {
    ...axis,
    axisLine: { show: isCategory, lineStyle: { color: look.axis }, ...axis.axisLine },
    axisTick: { show: false },
    splitLine: { show: !isCategory, lineStyle: { color: look.grid }, ...axis.splitLine },
    nameTextStyle: { color: look.text, fontFamily: look.font, fontSize: 12 },
    axisLabel: {
      color: look.text,
      fontFamily: look.font,
      fontSize: 12,
      hideOverlap: true,
      ...axis.axisLabel,
    },
  };
}

function completeSeries(series, look) {
  // Without this, ECharts lifts what the pointer is over above the series drawn on top of it.
  const complete = { animation: false, emphasis: { disabled: true }, ...series };
  if (series.markLine) {
    complete.markLine = {
      lineStyle: { color: look.axis, type: "dotted", width: 1 },
      label: { color: look.text, fontFamily: look.font, fontSize: 11 },
      ...series.markLine,
    };
    for (const line of complete.markLine.data) {
      line.label = { color: look.text, fontFamily: look.font, fontSize: 11, ...line.label };
    }
  }
  if (series.type === "heatmap") complete.itemStyle = { ...series.itemStyle, borderColor: look.surface };
  return complete;
}

function buildOption(spec) {
  const colours = colourReader();
  const look = {
    text: colours.read("var(--ink-2)"),
    axis: colours.read("var(--chart-quiet)"),
    grid: colours.read("var(--chart-grid)"),
    surface: colours.read("var(--surface)"),
    font: getComputedStyle(document.body).fontFamily,
  };
  const option = resolve(spec.option, colours);
  colours.done();
  return {
    ...option,
    animation: false,
    textStyle: { fontFamily: look.font },
    grid: {
      left: option.yAxis.name ? 24 : 4,
      right: 12,
      top: 12,
      bottom: option.xAxis.name ? 24 : 4,
      containLabel: true,
      ...option.grid,
    },
    tooltip: {
      ...option.tooltip,
      className: "chart-tooltip",
      confine: true,
      transitionDuration: 0,
      formatter: tooltip(spec),
      axisPointer: { type: "line", lineStyle: { color: look.axis, type: "solid", width: 1 } },
    },
    xAxis: axisDefaults(option.xAxis, look),
    yAxis: axisDefaults(option.yAxis, look),
    series: option.series.map((series) => completeSeries(series, look)),
  };
}

function paint({ spec, chart }) {
  chart.setOption(buildOption(spec), true);
}

const drawn = new Set();

function forget(entry) {
  entry.chart.dispose();
  entry.watcher.disconnect();
  drawn.delete(entry);
}

/** Draws the chart of a <figure data-chart> from the JSON that its canvas carries. */
export function draw(figure) {
  if (figure.dataset.drawn) return;
  figure.dataset.drawn = "true";
  const canvas = figure.querySelector(".chart-canvas");
  const spec = JSON.parse(canvas.dataset.spec);
  const chart = init(canvas, null, { renderer: "canvas" });
  const watcher = new ResizeObserver(() => chart.resize());
  watcher.observe(canvas);
  const entry = { figure, spec, chart, watcher };
  paint(entry);
  drawn.add(entry);
}

document.addEventListener("academe:theme", () => {
  for (const entry of drawn) paint(entry);
});
// Fragments that were replaced take their charts with them.
document.addEventListener("htmx:afterSettle", () => {
  for (const entry of drawn) if (!entry.figure.isConnected) forget(entry);
});
