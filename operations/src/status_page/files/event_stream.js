// Server-sent events, read by fetch: EventSource cannot send the header Authorization.

/** Without a byte for this long, the connection is taken for lost: the program sends something every second. */
const SILENCE_MS = 5000;

const TOKEN_KEY = "skimmer-operations-token";

/** The longest event that is read, in characters: a snapshot of 2,000 peers is far shorter. */
const MAX_EVENT = 64 * 1024 * 1024;

export function keepToken(token) {
  try {
    sessionStorage.setItem(TOKEN_KEY, token);
  } catch {
    // Without storage the token is asked for again after a reload.
  }
}

export function keptToken() {
  try {
    return sessionStorage.getItem(TOKEN_KEY) ?? "";
  } catch {
    return "";
  }
}

/** Splits text into events as it arrives (HTML Standard, section Server-sent events). */
export class EventParser {
  constructor(onEvent) {
    this.onEvent = onEvent;
    this.rest = "";
    this.name = "";
    this.data = [];
    this.retryMs = 2000;
  }

  push(text) {
    const lines = (this.rest + text).split("\n");
    this.rest = lines.pop();
    if (this.rest.length > MAX_EVENT) throw new Error("an event is too long");
    for (const line of lines) this.line(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  line(line) {
    if (line === "") {
      if (this.data.length > 0) this.onEvent(this.name, this.data.join("\n"));
      this.name = "";
      this.data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.name = value;
    else if (field === "data") this.data.push(value);
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
  }
}

/**
 * Follows the events for ever, and connects again after each end.
 * `page` has `onEvent(name, data)`, `onConnected()`, `onLost(reason)`, and `askToken()`, which resolves to a token.
 */
export async function followEvents(page) {
  let token = keptToken();
  let retryMs = 2000;
  for (;;) {
    try {
      const reply = await readOnce(page, token);
      if (reply.needsToken) {
        token = await page.askToken(token !== "");
        keepToken(token);
        continue;
      }
      retryMs = reply.retryMs;
      page.onLost(reply.reason);
    } catch (error) {
      page.onLost(error.name === "AbortError" ? "it sends nothing" : "it does not reply");
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}

async function readOnce(page, token) {
  const abort = new AbortController();
  let timer = 0;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => abort.abort(), SILENCE_MS);
  };
  heard();
  try {
    const headers = token === "" ? {} : { Authorization: `Bearer ${token}` };
    const reply = await fetch("events", { headers, cache: "no-store", credentials: "omit", signal: abort.signal });
    if (reply.status === 401) return { needsToken: true };
    if (!reply.ok) return { reason: (await reply.text()).trim(), retryMs: 5000 };
    page.onConnected();
    const parser = new EventParser((name, data) => page.onEvent(name, JSON.parse(data)));
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { reason: "it closed the connection", retryMs: parser.retryMs };
      heard();
      parser.push(value);
    }
  } finally {
    clearTimeout(timer);
    abort.abort();
  }
}
