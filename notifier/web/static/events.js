/**
 * The server's events, read by fetch: EventSource cannot send the token's header.
 */
import { explain, isRefused, request } from "./api.js";
import { DELIVERY_TYPES } from "./deliveries.js";
import { Backoff } from "./notifier-client.js";

const TYPES = ["client.connected", "client.disconnected", "notification.stored", "notification.read", "notification.cleared", ...DELIVERY_TYPES];
const LONGEST_BLOCK = 65_536;
const REFUSED_MS = 60_000;

/** Splits a stream of text into the `data` of its events. */
export class EventParser {
  #rest = "";

  /** @returns {string[]} the data of every event that is complete */
  feed(text) {
    const blocks = (this.#rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.#rest = blocks.pop().slice(-LONGEST_BLOCK);
    return blocks.map(dataOf).filter(Boolean);
  }
}

function dataOf(block) {
  const lines = block.split("\n").filter((line) => line.startsWith("data:"));
  return lines.map((line) => line.slice(5).trimStart()).join("\n");
}

/**
 * Listens for ever while the page is in view, and says how it goes. A hidden page lets go: a browser has few
 * connections per server, and a stream of every open tab would use them up.
 * @param {(event: object) => void} onEvent
 * @param {(live: boolean, error: Error|null) => void} onState
 */
export async function listen(onEvent, onState) {
  const backoff = new Backoff({ min: 500, first: 1_000, max: 15_000 });
  for (;;) {
    await inView();
    const attempt = new AbortController();
    const stopListening = onTurn(() => attempt.abort());
    const error = await listenOnce(onEvent, onState, backoff, attempt.signal);
    stopListening();
    if (attempt.signal.aborted) continue;
    onState(false, error);
    await pause(isRefused() ? REFUSED_MS : backoff.next());
  }
}

async function inView() {
  while (document.hidden) await new Promise((resolve) => { document.addEventListener("visibilitychange", resolve, { once: true }); });
}

/** Calls when a new token, or the page's coming or going, makes a new attempt worthwhile; answers how to end that. */
function onTurn(call) {
  const events = ["token-changed", "visibilitychange"];
  for (const name of events) document.addEventListener(name, call);
  return () => { for (const name of events) document.removeEventListener(name, call); };
}

/** Answers why it ended: an error, or null for an orderly end. */
async function listenOnce(onEvent, onState, backoff, signal) {
  try {
    const response = await request(`api/v1/admin/events?types=${TYPES.join(",")}`, {
      signal,
      headers: { Accept: "text/event-stream" },
    });
    if (!response.ok) return await explain(response);
    backoff.reset();
    onState(true, null);
    await read(response.body, onEvent);
    return null;
  } catch (error) {
    return error;
  }
}

async function read(body, onEvent) {
  const parser = new EventParser();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    for (const data of parser.feed(chunk.value)) onEvent(JSON.parse(data));
  }
}

/** Waits, or until an attempt is worthwhile sooner. */
function pause(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    const stopListening = onTurn(done);
    function done() {
      clearTimeout(timer);
      stopListening();
      resolve();
    }
  });
}
