// What the page knows of the program: the last snapshot, and the updates since.

const MAX_POINTS = 300;
const MAX_NOTICES = 200;

export class ProgramState {
  constructor() {
    this.latest = null;
    this.points = [];
    this.peers = new Map();
    this.notices = new Map();
    /** The ids of the peers that the last event changed or removed. */
    this.touched = new Set();
    this.freshNotices = 0;
  }

  /** Takes an event. Returns whether it was understood. */
  take(name, event) {
    if (event.events_version !== 1) return false;
    if (name === "snapshot") this.reset();
    else if (name !== "update" || this.latest === null) return false;
    this.latest = event;
    this.points = [...this.points, ...event.points].slice(-MAX_POINTS);
    this.touched = new Set(event.peers.removed);
    for (const id of event.peers.removed) this.peers.delete(id);
    for (const row of event.peers.changed) {
      this.peers.set(row.id, row);
      this.touched.add(row.id);
    }
    this.takeNotices(event.notices);
    this.freshNotices = name === "update" ? event.notices.length : 0;
    return true;
  }

  takeNotices(notices) {
    // The latest is first there, and last in the map.
    for (const notice of [...notices].reverse()) {
      this.notices.delete(notice.id);
      this.notices.set(notice.id, notice);
    }
    for (const id of this.notices.keys()) {
      if (this.notices.size <= MAX_NOTICES) break;
      this.notices.delete(id);
    }
  }

  reset() {
    this.points = [];
    this.peers.clear();
    this.notices.clear();
  }
}
