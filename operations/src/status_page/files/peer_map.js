// All peers as a field of cells, each with a sign and a colour. Arrow keys move in it, Enter finds the peer in the table.
import { write } from "./write.js";

const SIGNS = { fine: "", slow: "▲", failing: "✗", stale: "?" };
const WORDS = ["stale", "failing", "slow", "fine"];
const collator = new Intl.Collator("en", { numeric: true });

export class PeerMap {
  constructor(document, onChosen) {
    this.element = (id) => document.getElementById(id);
    this.map = this.element("map");
    this.cells = new Map();
    this.peers = new Map();
    this.active = "";
    this.onChosen = onChosen;
    this.number = 0;
    this.map.addEventListener("keydown", (event) => this.onKey(event));
    this.map.addEventListener("focus", () => this.activate(this.active || this.firstId()));
    this.map.addEventListener("click", (event) => {
      const id = event.target.dataset.peer;
      if (id === undefined) return;
      this.activate(id);
      this.choose();
    });
  }

  update({ latest, peers, touched }, isAll) {
    this.peers = peers;
    const isNew = isAll || [...touched].some((id) => peers.has(id) !== this.cells.has(id));
    if (isNew) this.arrange();
    for (const id of isAll ? peers.keys() : touched) this.writeCell(id);
    this.writeSummary(latest.peers);
    if (touched.has(this.active)) this.describe();
  }

  /** Makes and removes cells, and puts them in the order of names. */
  arrange() {
    for (const [id, cell] of this.cells) {
      if (!this.peers.has(id)) {
        cell.remove();
        this.cells.delete(id);
      }
    }
    const rows = [...this.peers.values()].sort((one, other) => collator.compare(one.name, other.name) || collator.compare(one.id, other.id));
    let before = null;
    for (const { id } of rows) {
      const cell = this.cells.get(id) ?? this.makeCell(id);
      const place = before === null ? this.map.firstChild : before.nextSibling;
      if (place !== cell) this.map.insertBefore(cell, place);
      before = cell;
    }
    if (!this.cells.has(this.active)) this.activate("");
  }

  makeCell(id) {
    const cell = this.map.ownerDocument.createElement("div");
    cell.setAttribute("role", "option");
    cell.id = `peer-${this.number++}`;
    cell.dataset.peer = id;
    this.cells.set(id, cell);
    return cell;
  }

  writeCell(id) {
    const [cell, row] = [this.cells.get(id), this.peers.get(id)];
    if (cell === undefined || row === undefined) return;
    write(cell, SIGNS[row.condition] ?? "?");
    const label = `${row.name}: ${row.condition}, ${row.state}`;
    if (cell.title !== label) {
      cell.title = label;
      cell.setAttribute("aria-label", label);
    }
    const name = row.condition + (id === this.active ? " active" : "");
    if (cell.className !== name) cell.className = name;
  }

  writeSummary({ kind, total, conditions }) {
    const parts = WORDS.map((word) => `${SIGNS[word] || "□"} ${conditions[word] ?? 0} ${word}`);
    const listed = this.peers.size < total ? `, the worst ${this.peers.size} are shown` : "";
    write(this.element("map-summary"), `${kind}: ${total}${listed}. ${parts.join(", ")}`);
  }

  firstId() {
    return this.map.firstChild?.dataset.peer ?? "";
  }

  activate(id) {
    this.cells.get(this.active)?.classList.remove("active");
    this.active = id;
    const cell = this.cells.get(id);
    if (cell === undefined) {
      this.map.removeAttribute("aria-activedescendant");
    } else {
      cell.classList.add("active");
      this.map.setAttribute("aria-activedescendant", cell.id);
      cell.scrollIntoView({ block: "nearest" });
    }
    this.describe();
  }

  describe() {
    const row = this.peers.get(this.active);
    const lag = row && row.lag_events > 0 ? `, ${row.lag_events} events behind` : "";
    write(this.element("map-active"), row ? `${row.name}: ${row.condition}, ${row.state}${lag}` : "");
  }

  choose() {
    const row = this.peers.get(this.active);
    if (row) this.onChosen(row.name);
  }

  onKey(event) {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      return this.choose();
    }
    const cells = [...this.map.children];
    const columns = Math.max(1, cells.findIndex((cell) => cell.offsetTop > cells[0].offsetTop));
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -Infinity, End: Infinity }[event.key];
    if (step === undefined || cells.length === 0) return;
    event.preventDefault();
    const now = cells.indexOf(this.cells.get(this.active));
    const next = Math.min(Math.max(0, now + step), cells.length - 1);
    this.activate(cells[next].dataset.peer);
  }
}
