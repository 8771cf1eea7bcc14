// Lines over the last five minutes, as SVG.
import { write } from "./write.js";

const SVG = "http://www.w3.org/2000/svg";
const LINES = ["p50", "p90", "p99"];
const SPAN_MS = 300000;

/** The plot: from 10 µs to 60 s, in the coordinates of the view box. */
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 596, 8, 198];
const [LOWEST, HIGHEST] = [Math.log10(10), Math.log10(6e7)];
const MARKS = [10, 100, 1e3, 1e4, 1e5, 1e6, 1e7];

export function showTime(us) {
  if (us >= 1e6) return `${trim(us / 1e6)} s`;
  return us >= 1e3 ? `${trim(us / 1e3)} ms` : `${trim(us)} µs`;
}

const trim = (number) => (number >= 100 ? number.toFixed(0) : number.toPrecision(2).replace(/\.0$/, ""));

function child(parent, name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent.append(element);
  return element;
}

const heightOf = (us) => {
  const share = (Math.log10(Math.max(us, 10)) - LOWEST) / (HIGHEST - LOWEST);
  return BOTTOM - Math.min(1, share) * (BOTTOM - TOP);
};

/** The path of values, with a gap where there is none; `at` maps a value to its height. */
function pathOf(points, nowMs, [left, right], valueOf, at) {
  let path = "";
  let isDown = false;
  for (const point of points) {
    const value = valueOf(point);
    const x = right - ((nowMs - point.at_ms) / SPAN_MS) * (right - left);
    if (value === null || x < left) {
      isDown = false;
      continue;
    }
    path += `${isDown ? "L" : "M"}${x.toFixed(1)} ${at(value).toFixed(1)}`;
    isDown = true;
  }
  return path;
}

export class LatencyPlot {
  constructor() {
    this.plot = document.getElementById("latency-plot");
    this.choice = document.getElementById("latency-choice");
    this.now = document.getElementById("latency-now");
    for (const us of MARKS) {
      const y = heightOf(us);
      child(this.plot, "line", { class: "grid", x1: LEFT, x2: RIGHT, y1: y, y2: y });
      child(this.plot, "text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }).textContent = showTime(us);
    }
    child(this.plot, "text", { x: LEFT, y: BOTTOM + 14 }).textContent = "five minutes ago";
    child(this.plot, "text", { x: RIGHT, y: BOTTOM + 14, "text-anchor": "end" }).textContent = "now";
    this.lines = LINES.map((name) => child(this.plot, "path", { class: name }));
    this.choice.addEventListener("change", () => this.state && this.update(this.state));
  }

  update(state) {
    this.state = state;
    const { latest, points } = state;
    this.offer(latest.latencies);
    const number = Math.max(0, this.choice.selectedIndex);
    LINES.forEach((name, place) => {
      const valueOf = (point) => point.latencies[number]?.[`${name}_us`] ?? null;
      this.lines[place].setAttribute("d", pathOf(points, latest.now_ms, [LEFT, RIGHT], valueOf, heightOf));
    });
    const last = points.at(-1)?.latencies[number];
    const values = last ? LINES.map((name) => `${name} ${showTime(last[`${name}_us`])}`).join(", ") : "no event in the last ten seconds";
    write(this.now, values);
  }

  offer(latencies) {
    latencies.forEach(({ title }, place) => {
      const option = this.choice.options[place] ?? this.choice.appendChild(document.createElement("option"));
      write(option, title);
    });
    this.choice.options.length = latencies.length;
  }
}

/** A small line of one rate, scaled to its highest value. */
export class Spark {
  constructor(parent) {
    this.svg = child(parent, "svg", { class: "spark", viewBox: "0 0 300 28", preserveAspectRatio: "none", "aria-hidden": "true" });
    this.path = child(this.svg, "path", {});
  }

  update(points, nowMs, number) {
    const highest = Math.max(1e-9, ...points.map((point) => point.rates[number] ?? 0));
    const at = (value) => 26 - (value / highest) * 24;
    this.path.setAttribute("d", pathOf(points, nowMs, [0, 300], (point) => point.rates[number] ?? null, at));
  }
}
