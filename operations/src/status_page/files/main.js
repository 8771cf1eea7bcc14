// The status page: follows the events of the program, and shows them.
import { followEvents } from "./event_stream.js";
import { showChecks, showClock, showLosses, showNotices, showQueues, showRates, showSpan } from "./lists.js";
import { PeerMap } from "./peer_map.js";
import { PeerTable } from "./peer_table.js";
import { LatencyPlot } from "./plot.js";
import { ProgramState } from "./program_state.js";
import { write } from "./write.js";

const byId = (id) => document.getElementById(id);

/** The least time between two announcements of new notices to a screen reader. */
const NEWS_MS = 10000;

const state = new ProgramState();
const table = new PeerTable(document);
const map = new PeerMap(document, (name) => table.find(name));
const plot = new LatencyPlot();

/** Since when there is no connection; 0 while there is one. */
let lostAt = 0;
let announcedAt = 0;

function showIdentity({ program, version, pid, uptime_seconds: uptime, peers }) {
  write(byId("program"), program);
  write(byId("identity"), `version ${version}, process ${pid}, up for ${showSpan(uptime)}`);
  document.title = `${program} · Skimmer`;
  const isService = peers.kind === "agents";
  write(byId("this-program"), isService ? "this service" : "this agent");
  write(byId("peers-title"), isService ? "Agents" : "Publishers");
  write(byId("peers-note"), peers.note);
  document.body.dataset.kind = peers.kind;
}

function showNews({ freshNotices, notices }) {
  const now = performance.now();
  if (freshNotices === 0 || now - announcedAt < NEWS_MS) return;
  announcedAt = now;
  const latest = [...notices.values()].at(-1);
  write(byId("news"), `New: ${latest.kind.replaceAll("_", " ")}: ${latest.text}`);
}

function onEvent(name, event) {
  if (!state.take(name, event)) return;
  const isAll = name === "snapshot";
  showIdentity(event);
  showChecks(event.checks);
  map.update(state, isAll);
  if (isAll || state.touched.size > 0) table.update(state.peers);
  showRates(state);
  plot.update(state);
  showQueues(event.queues);
  showLosses(event.losses);
  if (isAll || event.notices.length > 0) showNotices(state.notices);
  showNews(state);
  byId("main").hidden = false;
  if (isAll) onFresh();
}

function onFresh() {
  lostAt = 0;
  byId("connection").className = "";
  write(byId("connection-text"), "Connected: the values are updated every second.");
  write(byId("connection-age"), "");
}

function onLost(reason) {
  if (lostAt === 0) lostAt = Date.now();
  byId("connection").className = "lost";
  const program = state.latest?.program ?? "the program";
  write(byId("connection-text"), `No connection to ${program} since ${showClock(lostAt)}: ${reason}. The page tries again by itself.`);
}

setInterval(() => {
  if (lostAt > 0) write(byId("connection-age"), `(${showSpan(Math.round((Date.now() - lostAt) / 1000))})`);
}, 1000);

function askToken(isWrong) {
  const [form, input] = [byId("token-form"), byId("token")];
  write(byId("connection-text"), isWrong ? "The token is not the right one." : "The endpoint needs its token.");
  form.hidden = false;
  input.value = "";
  input.focus();
  return new Promise((resolve) => {
    const onSubmit = (event) => {
      event.preventDefault();
      form.removeEventListener("submit", onSubmit);
      form.hidden = true;
      write(byId("connection-text"), "Connecting …");
      resolve(input.value.trim());
    };
    form.addEventListener("submit", onSubmit);
  });
}

followEvents({ onEvent, onLost, askToken, onConnected: () => {} });
