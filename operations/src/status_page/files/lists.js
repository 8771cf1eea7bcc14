// The smaller lists: checks, rates, queues, losses and notices.
import { Spark } from "./plot.js";
import { write } from "./write.js";

const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fractions = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const byId = (id) => document.getElementById(id);

export const showClock = (ms) => new Date(ms).toLocaleTimeString("en-GB");

export function showSpan(seconds) {
  const [days, hours, minutes] = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

function showAmount(amount, unit) {
  if (unit !== "bytes") return `${numbers.format(amount)} ${unit}`;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let place = 0;
  for (; amount >= 1024 && place < units.length - 1; place++) amount /= 1024;
  return `${fractions.format(amount)} ${units[place]}`;
}

/** Makes as many children as there are items, and writes each. */
function writeAll(parent, items, make, writeOne) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  items.forEach((item, place) => {
    const element = parent.children[place] ?? parent.appendChild(make());
    writeOne(element, item, place);
  });
}

function makeRow(classes) {
  return () => {
    const row = document.createElement("tr");
    for (const name of classes) row.insertCell().className = name;
    return row;
  };
}

const writeCells = (row, values) => values.forEach((value, place) => write(row.cells[place], value));

export function showChecks(checks) {
  const make = () => document.createElement("li");
  writeAll(byId("checks"), checks, make, (element, check) => {
    const name = check.is_met ? "met" : "failed";
    if (element.className !== name) element.className = name;
    write(element, `${check.name} is ${check.is_met ? "met" : "not met"}: ${check.reason}`);
  });
}

export function showRates({ latest, points }) {
  const last = points.at(-1)?.rates ?? [];
  writeAll(byId("rates"), latest.rates, makeRow(["", "number", ""]), (row, { name, title }, place) => {
    const rate = last[place] ?? 0;
    writeCells(row, [title, name === "sent_bytes" ? showAmount(rate, "bytes") : fractions.format(rate)]);
    row.spark ??= new Spark(row.cells[2]);
    row.spark.update(points, latest.now_ms, place);
  });
}

export function showQueues(queues) {
  const share = ({ depth, bound }) => (bound > 0 ? depth / bound : 0);
  const fullest = [...queues].sort((one, other) => share(other) - share(one));
  writeAll(byId("queues"), fullest, makeRow(["", "number", "number", "filled", ""]), (row, queue) => {
    const filled = Math.min(1, share(queue));
    writeCells(row, [`${queue.part}: ${queue.name.replaceAll("_", " ")}`, showAmount(queue.depth, queue.unit), showAmount(queue.bound, queue.unit)]);
    if (row.meter === undefined) {
      row.meter = document.createElement("meter");
      row.percent = document.createElement("span");
      row.cells[3].append(row.meter, " ", row.percent);
    }
    if (row.meter.value !== filled) row.meter.value = filled;
    write(row.percent, `${Math.floor(filled * 100)} %`);
    write(row.cells[4], queue.when_full);
  });
}

export function showLosses(losses) {
  byId("no-losses").hidden = losses.length > 0;
  byId("losses-table").hidden = losses.length === 0;
  writeAll(byId("losses"), losses, makeRow(["", "", "number", ""]), (row, loss) =>
    writeCells(row, [loss.name.replaceAll("_", " "), loss.labels, numbers.format(loss.total), showClock(loss.at_ms)]));
}

function makeNotice() {
  const item = document.createElement("li");
  item.append(document.createElement("time"), document.createElement("span"), document.createElement("span"));
  item.children[1].className = "kind";
  return item;
}

/** The latest first. Nothing is written where no notice is new. */
export function showNotices(notices) {
  byId("no-notices").hidden = notices.size > 0;
  const latest = [...notices.values()].reverse();
  writeAll(byId("notices"), latest, makeNotice, (item, notice) => {
    const [time, kind, text] = item.children;
    write(time, showClock(notice.at_ms));
    time.dateTime = new Date(notice.at_ms).toISOString();
    write(kind, notice.kind.replaceAll("_", " "));
    write(text, notice.times > 1 ? `${numbers.format(notice.times)} × ${notice.text}` : notice.text);
  });
}
