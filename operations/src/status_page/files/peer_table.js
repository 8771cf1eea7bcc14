// The table of peers: the slow and stale ones first, a page of rows at a time, and only what has changed is written.
import { write } from "./write.js";

/** The rows of a page: the work of an update is bounded by it, however many peers there are. */
const PAGE_ROWS = 50;

const RANK = { fine: 0, slow: 1, failing: 2, stale: 3 };

const text = (field) => (row) => row[field];
const COLUMNS = [
  { name: "condition", show: text("condition"), by: (row) => RANK[row.condition] ?? 4, worstFirst: true },
  { name: "name", show: text("name"), by: text("name") },
  { name: "state", show: text("state"), by: text("state"), style: "short" },
  { name: "lag (events)", show: (row) => String(row.lag_events), by: text("lag_events"), worstFirst: true, style: "number of-agents" },
  { name: "behind for (s)", show: (row) => String(row.lag_seconds), by: text("lag_seconds"), worstFirst: true, style: "number of-agents" },
  { name: "quiet for (s)", show: (row) => String(row.quiet_seconds), by: text("quiet_seconds"), worstFirst: true, style: "number of-agents" },
  { name: "address", show: text("address"), by: text("address") },
  { name: "version", show: text("version"), by: text("version"), style: "short of-agents" },
  { name: "last error", show: (row) => row.last_error ?? "", by: (row) => row.last_error ?? "", style: "of-agents" },
];

const collator = new Intl.Collator("en", { numeric: true });

const compare = (one, other) =>
  typeof one === "number" ? one - other : collator.compare(one, other);

export class PeerTable {
  constructor(document) {
    this.element = (id) => document.getElementById(id);
    this.peers = new Map();
    this.column = COLUMNS[0];
    this.isDescending = true;
    this.page = 0;
    this.rows = [];
    this.heads = COLUMNS.map((column) => this.makeHead(document, column));
    this.showOrder();
    this.element("peer-filter").addEventListener("input", () => this.show(0));
    this.element("peers-before").addEventListener("click", () => this.show(this.page - 1));
    this.element("peers-after").addEventListener("click", () => this.show(this.page + 1));
    this.element("peer-heads").addEventListener("keydown", (event) => this.moveAmongHeads(event));
  }

  makeHead(document, column) {
    const head = document.createElement("th");
    head.scope = "col";
    head.className = column.style ?? "";
    const button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => this.sortBy(column));
    head.append(button);
    this.element("peer-heads").append(head);
    return { head, button, column };
  }

  moveAmongHeads(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const now = this.heads.findIndex(({ button }) => button === event.target);
    if (step === undefined || now < 0) return;
    event.preventDefault();
    this.heads[(now + step + this.heads.length) % this.heads.length].button.focus();
  }

  sortBy(column) {
    this.isDescending = column === this.column ? !this.isDescending : column.worstFirst === true;
    this.column = column;
    this.showOrder();
    this.show(0);
  }

  showOrder() {
    for (const { head, button, column } of this.heads) {
      const isSorted = column === this.column;
      if (isSorted) head.setAttribute("aria-sort", this.isDescending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      button.textContent = column.name + (isSorted ? (this.isDescending ? " ▼" : " ▲") : "");
    }
  }

  update(peers) {
    this.peers = peers;
    this.show(this.page);
  }

  /** Filters for a peer, as if its name were typed. */
  find(name) {
    this.element("peer-filter").value = name;
    this.show(0);
    this.element("peer-filter").focus();
  }

  chosen() {
    const words = this.element("peer-filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    const has = (row) => {
      const all = [row.name, row.state, row.condition, row.address, row.version, row.last_error ?? ""].join(" ").toLowerCase();
      return words.every((word) => all.includes(word));
    };
    const { by } = this.column;
    const sign = this.isDescending ? -1 : 1;
    const order = (one, other) =>
      sign * compare(by(one), by(other)) || other.lag_seconds - one.lag_seconds || other.lag_events - one.lag_events || compare(one.name, other.name) || compare(one.id, other.id);
    return [...this.peers.values()].filter(has).sort(order);
  }

  show(page) {
    const chosen = this.chosen();
    const pages = Math.max(1, Math.ceil(chosen.length / PAGE_ROWS));
    this.page = Math.min(Math.max(0, page), pages - 1);
    const first = this.page * PAGE_ROWS;
    const shown = chosen.slice(first, first + PAGE_ROWS);
    const range = shown.length === 0 ? "none" : `${first + 1}–${first + shown.length}`;
    write(this.element("peers-shown"), `${range} of ${chosen.length}`);
    this.element("peers-before").disabled = this.page === 0;
    this.element("peers-after").disabled = this.page === pages - 1;
    shown.forEach((row, place) => this.writeRow(place, row));
    for (const { element } of this.rows.splice(shown.length)) element.remove();
  }

  writeRow(place, row) {
    const { cells } = (this.rows[place] ??= this.makeRow());
    COLUMNS.forEach((column, number) => write(cells[number], column.show(row)));
    const tag = `tag ${row.condition}`;
    if (cells[0].className !== tag) cells[0].className = tag;
  }

  makeRow() {
    const body = this.element("peers");
    const element = body.insertRow();
    const cells = COLUMNS.map((column, number) => {
      const cell = element.insertCell();
      cell.className = column.style ?? "";
      if (number > 0) return cell;
      const tag = body.ownerDocument.createElement("span");
      cell.append(tag);
      return tag;
    });
    return { element, cells };
  }
}
