/**
 * One user's inbox on any page: live, gap-free, and in step with the user's other tabs and devices.
 *
 *   <script type="module">
 *     import { NotifierClient } from "https://notifier.example/notifier-client.js";
 *     const inbox = new NotifierClient({ userId: 1, login: "alice", token: () => fetchMyToken() });
 *     inbox.addEventListener("push", (event) => show(event.detail.notification));
 *     inbox.addEventListener("change", () => { badge.textContent = String(inbox.unread); });
 *     inbox.connect();
 *   </script>
 *
 * What it promises
 * - Reconnects with jittered exponential backoff; stops where the server says that trying again is useless.
 * - `push` fires once per notification, however often the server sends it, in the order of stream ids; no clock takes
 *   part in that.
 * - A read mark is shown at once, queued while offline, and repeated until the server has confirmed it.
 * - Memory is bounded: `keep` notifications, ten times as many ids.
 *
 * Events (`event.detail`)
 * - `state` {state, code, attempt, retryInMs, opened}: `code` is the close code that led to it; `opened` tells whether
 *   this client ever had a connection
 * - `push` {notification, live}: first sight of a notification; `live` is false for what a connect replays
 * - `read` {notification}: the server confirmed it as read, here or in another tab; once
 * - `cleared` {notification_id, stream_id}: it expired, or left the inbox, unread
 * - `change` {}: `notifications` or `unread` changed; once for many changes made together
 * - `counts` {unread, unseen, total, rev}: the server counted; at most every 50 ms
 * - `update` {notification}: its sender changed it, or its states did
 * - `removed` {notification_id, reason}: its sender took it back
 * - `retention` {days}: the server took over the number of days
 * - `error` {code, message, in_reply_to}: the server refused a message; the connection stays
 *
 * @typedef {{notification_id: string, stream_id: string, message: string, created_at?: string, source?: string,
 *   title?: string, url?: string, category?: string, priority?: "high"|"normal"|"low", data?: object,
 *   status: "unread"|"read"|"auto_cleared", read: boolean, seen?: boolean, archived?: boolean, acted?: boolean,
 *   snoozed_until?: string|null, revision?: number, key?: string}} Notification
 * @typedef {"idle"|"connecting"|"syncing"|"online"|"waiting"|"stopped"} State
 */

const CLOSE_POLICY = 1008;
const CLOSE_TOKEN_EXPIRED = 4401;
const CLOSE_FORBIDDEN = 4403;
const STOP_CODES = new Set([CLOSE_POLICY, CLOSE_TOKEN_EXPIRED, CLOSE_FORBIDDEN]);
const LOST = 1006;

const CONNECT_TIMEOUT_MS = 15_000;
const PROBE_TIMEOUT_MS = 10_000;
const STABLE_AFTER_MS = 5_000; // a connection that lived so long starts the next backoff from the beginning
const RETRY_MS = 1_000;
const PAGE = 100; // the server's largest page of a sync
const BEGINNING = "0-0"; // of every stream
const SENDS_PER_SECOND = 40; // the server allows 50
const TOKEN_TRIES = 3;
const MARKS_KEPT = 1_000;

const SEEN_AFTER_MS = 1_000; // in sight
const SEEN_EVERY_MS = 500;
const SEEN_AT_ONCE = 20; // of one mark
const ENOUGH = 0.5;
const STEPS = Array.from({ length: 21 }, (_, step) => step / 20); // also for what is taller than the view

const systemClock = {
  now: () => performance.now(), // monotonic: a clock set by hand or by NTP moves no timer here
  setTimeout: (task, ms) => setTimeout(task, ms),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** Orders stream ids `<ms>-<n>`, of any length, without loss of precision: negative, 0 or positive. */
export function compareStreamIds(a, b) {
  const [timeA, countA = "0"] = a.split("-");
  const [timeB, countB = "0"] = b.split("-");
  return compareDigits(timeA, timeB) || compareDigits(countA, countB);
}

function compareDigits(a, b) {
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}

const STREAM_ID = /^\d{1,20}(-\d{1,20})?$/;

/** Whether a message has what this client takes from its type. */
function isSound(type, data) {
  if (type === "sync.response") return Array.isArray(data) && data.every((item) => isSound("notification.push", item));
  if (type === "sync.complete") return Number.isInteger(data?.total);
  if (type === "inbox.counts") return ["unread", "unseen", "total", "rev"].every((name) => Number.isInteger(data?.[name]));
  if (["notification.state", "notification.removed", "notification.read.ack"].includes(type)) return typeof data?.notification_id === "string";
  if (type === "notification.update") return isSound("notification.push", data);
  if (type === "inbox.result") return Array.isArray(data?.items);
  if (type === "error") return typeof data?.code === "string";
  if (type !== "notification.push") return typeof data === "object" && data !== null;
  return [data?.notification_id, data?.status].every((text) => typeof text === "string") && STREAM_ID.test(data.stream_id);
}

/** Waiting times between attempts: at random below a bound that doubles, so that a crowd of clients spreads out. */
export class Backoff {
  #attempt = 0;

  /** @param {{min?: number, first?: number, max?: number}} bounds in milliseconds @param {() => number} random */
  constructor({ min = 100, first = 1_000, max = 30_000 } = {}, random = Math.random) {
    Object.assign(this, { min, first, max, random });
  }

  get attempt() {
    return this.#attempt;
  }

  /** The next wait in milliseconds, `min` … `max`. */
  next() {
    const bound = Math.min(this.max, this.first * 2 ** Math.min(this.#attempt++, 30));
    return Math.round(this.min + this.random() * Math.max(0, bound - this.min));
  }

  reset() {
    this.#attempt = 0;
  }
}

/** The notifications held, oldest first, each once, at most `keep`; of those dropped the ids are remembered. */
export class NotificationList {
  #byId = new Map();
  #ordered = [];
  #seen = new Set();

  constructor(keep) {
    this.keep = keep;
  }

  get(id) {
    return this.#byId.get(id);
  }

  /** Oldest first. */
  get items() {
    return this.#ordered;
  }

  get unread() {
    return this.#ordered.reduce((count, item) => count + Number(item.status === "unread"), 0);
  }

  /** Takes one in, or over what is known of it. Answers true at the first sight of this id. */
  put(item) {
    const known = this.#byId.get(item.notification_id);
    const first = !this.#seen.has(item.notification_id);
    if (known?.stream_id === item.stream_id) this.#ordered[this.#ordered.indexOf(known)] = item;
    else {
      if (known) this.#ordered.splice(this.#ordered.indexOf(known), 1); // its sender brought it up anew
      this.#insert(item);
    }
    this.#byId.set(item.notification_id, item);
    this.#remember(item.notification_id);
    this.#shrink();
    return first;
  }

  /** Forgets one; a later one of the same id is a new one. */
  drop(id) {
    const known = this.#byId.get(id);
    if (known) this.#ordered.splice(this.#ordered.indexOf(known), 1);
    this.#byId.delete(id);
    this.#seen.delete(id);
  }

  #insert(item) {
    let at = this.#ordered.length;
    while (at > 0 && compareStreamIds(this.#ordered[at - 1].stream_id, item.stream_id) > 0) at -= 1;
    this.#ordered.splice(at, 0, item);
  }

  #remember(id) {
    this.#seen.add(id);
    if (this.#seen.size > this.keep * 10) this.#seen.delete(this.#seen.values().next().value);
  }

  #shrink() {
    if (this.#ordered.length <= this.keep) return;
    const firstDone = this.#ordered.findIndex((item) => item.status !== "unread");
    const [dropped] = this.#ordered.splice(Math.max(0, firstDone), 1);
    this.#byId.delete(dropped.notification_id);
  }
}

/** Read marks that the server has not confirmed yet, in the order in which they were made. */
export class AckQueue {
  #entries = new Map();
  #upTo = null;
  #upToSent = false;

  get size() {
    return this.#entries.size;
  }

  has(id) {
    return this.#entries.has(id);
  }

  add({ notification_id, stream_id }) {
    if (!this.#entries.has(notification_id)) {
      this.#entries.set(notification_id, { notification_id, stream_id, sent: false });
    }
  }

  /** Marks everything up to a stream id, by one message. */
  addAll(streamId) {
    if (this.#upTo && compareStreamIds(streamId, this.#upTo) < 0) return;
    this.#upTo = streamId;
    this.#upToSent = false;
  }

  confirm(id) {
    this.#entries.delete(id);
    if (this.#upToSent && ![...this.#entries.values()].some((entry) => this.#covers(entry))) this.#upTo = null;
  }

  /** The server refused the oldest mark in flight: it answers in the order of the questions. */
  refuse() {
    const entry = [...this.#entries.values()].find((candidate) => candidate.sent && !this.#covers(candidate));
    if (entry) this.#entries.delete(entry.notification_id);
  }

  refuseAll() {
    this.#upTo = null;
  }

  /** Nothing sent so far counts any more: the connection is gone, or the server asked to try later. */
  rewind() {
    this.#upToSent = false;
    for (const entry of this.#entries.values()) entry.sent = false;
  }

  /** The next message to send as [type, data], or null; it counts as sent. */
  next() {
    if (this.#upTo && !this.#upToSent) {
      this.#upToSent = true;
      return ["notification.read_all", { up_to: this.#upTo }];
    }
    for (const entry of this.#entries.values()) {
      if (entry.sent || this.#covers(entry)) continue;
      entry.sent = true;
      return ["notification.read", { notification_id: entry.notification_id, stream_id: entry.stream_id }];
    }
    return null;
  }

  #covers(entry) {
    return this.#upTo !== null && compareStreamIds(entry.stream_id, this.#upTo) <= 0;
  }
}

/** Elements of which half, or half of the view, is in sight for a second while the page is not hidden. */
class SightWatch {
  #ids = new WeakMap(); // of elements that are gone nothing is kept
  #inSight = new Map(); // element → its timer, null while the page is hidden
  #batch = new Set();
  #timer = null;
  #observer = null;

  /** `onSeen(ids)` is called every 500 ms at most, with 20 ids at most. */
  constructor(clock, onSeen) {
    Object.assign(this, { clock, onSeen });
  }

  add(element, id) {
    this.#observer ??= this.#open();
    this.remove(element); // one that is observed already is reported on anew
    this.#ids.set(element, id);
    this.#observer.observe(element);
  }

  remove(element) {
    this.#leave(element);
    this.#ids.delete(element);
    this.#observer?.unobserve(element);
  }

  /** Begins the second anew for what is in sight: of one id, or of all. */
  again(id = null) {
    for (const element of this.#inSight.keys()) if (id === null || this.#ids.get(element) === id) this.#begin(element);
  }

  end() {
    if (this.#observer === null) return;
    for (const element of this.#inSight.keys()) this.#leave(element);
    this.#observer.disconnect();
    this.#observer = null;
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#batch.clear();
  }

  #onVisibility = () => this.again();

  #open() {
    document.addEventListener("visibilitychange", this.#onVisibility);
    return new IntersectionObserver((views) => views.forEach((view) => this.#look(view)), { threshold: STEPS });
  }

  #look({ target, isIntersecting, intersectionRatio, intersectionRect, rootBounds }) {
    const ofView = rootBounds ? intersectionRect.height / rootBounds.height : 0;
    if (!isIntersecting || Math.max(intersectionRatio, ofView) < ENOUGH) this.#leave(target);
    else if (this.#ids.has(target) && !this.#inSight.has(target)) this.#begin(target);
  }

  #begin(element) {
    this.clock.clearTimeout(this.#inSight.get(element));
    const hidden = document.visibilityState === "hidden";
    this.#inSight.set(element, hidden ? null : this.clock.setTimeout(() => this.#take(element), SEEN_AFTER_MS));
  }

  #leave(element) {
    this.clock.clearTimeout(this.#inSight.get(element));
    this.#inSight.delete(element);
  }

  #take(element) {
    this.#batch.add(this.#ids.get(element));
    this.#timer ??= this.clock.setTimeout(() => this.#send(), SEEN_EVERY_MS);
  }

  #send() {
    const ids = [...this.#batch].slice(0, SEEN_AT_ONCE);
    for (const id of ids) this.#batch.delete(id);
    this.#timer = this.#batch.size > 0 ? this.clock.setTimeout(() => this.#send(), SEEN_EVERY_MS) : null;
    this.onSeen(ids);
  }
}

export class NotifierClient extends EventTarget {
  #options;
  #clock;
  #list;
  #acks = new AckQueue();
  #backoff;
  #timers = new Map();
  #socket = null;
  #turn = 0; // grows with every attempt, so that what belongs to an earlier one is ignored
  #state = "idle";
  #opened = false;
  #onlineAt = null;
  #tokenTries = 0;
  #syncedTo = null; // nothing is missing up to this stream id
  #received = new Set(); // ids that came while syncing
  #held = []; // news that wait for the end of a sync
  #total = 0;
  #syncs = []; // what each sync.request in flight is for; the server answers in order
  #earlyReads = new Set();
  #retentionWanted = null;
  #marks = [];
  #queries = new Map();
  #refs = 0;
  #counts = null;
  #rev = 0;
  #retentionSent = false;
  #tokenExpired = false;
  #autoAckMs = null;
  #budget = SENDS_PER_SECOND;
  #budgetAt = 0;
  #changePending = false;
  #sight;
  #wakeUp = () => {
    if (globalThis.document?.visibilityState !== "hidden") this.wake();
  };

  /**
   * @param {object} options
   * @param {number} options.userId 1 … 2^53−1
   * @param {string} options.login
   * @param {string|URL} [options.url] the WebSocket's address; by default `ws` beside this file
   * @param {string|(() => string|null|Promise<string|null>)} [options.token] the user's token; a function is asked
   *   before every attempt with `{expired: boolean}`, and null after an expired one ends the attempts
   * @param {number|null} [options.autoAckMs] marks every notification read so many milliseconds after it came
   * @param {number} [options.keep] how many notifications are held (default 1000)
   * @param {{min?: number, first?: number, max?: number}} [options.backoff] milliseconds
   * @param {typeof WebSocket} [options.WebSocket] @param {typeof systemClock} [options.clock]
   * @param {() => number} [options.random] for tests
   */
  constructor(options) {
    super();
    const fetch = (...request) => globalThis.fetch(...request);
    this.#options = { WebSocket: globalThis.WebSocket, fetch, random: Math.random, keep: 1000, ...options };
    this.#clock = options.clock ?? systemClock;
    this.#list = new NotificationList(this.#options.keep);
    this.#backoff = new Backoff(options.backoff, this.#options.random);
    this.#autoAckMs = options.autoAckMs ?? null;
    this.#sight = new SightWatch(this.#clock, (ids) => this.#markSeen(ids));
    this.retentionDays = null;
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /** Number of unread notifications held. */
  get unread() {
    return this.#list.unread;
  }

  /** Read marks that wait for the server's confirmation. */
  get unconfirmed() {
    return this.#acks.size;
  }

  /** @returns {Notification[]} newest first */
  get notifications() {
    return this.#list.items.toReversed();
  }

  /** The main list: what is neither archived nor snoozed. @returns {Notification[]} newest first */
  get items() {
    return this.notifications.filter((item) => item.status !== "auto_cleared" && !item.archived && !item.snoozed_until);
  }

  /** What the server counted last, `{unread, unseen, total}`; null before it did. Never counted here. */
  get counts() {
    return this.#counts;
  }

  /** Milliseconds after which what arrives is marked read by itself, or null. */
  get autoAckMs() {
    return this.#autoAckMs;
  }

  set autoAckMs(ms) {
    this.#autoAckMs = ms;
    for (const item of this.#list.items) this.#planAck(item);
  }

  /** Connects, and stays connected until `close()` or until the server forbids it. Repeatable. */
  connect() {
    if (this.#state !== "idle" && this.#state !== "stopped") return;
    this.#backoff.reset();
    this.#tokenTries = 0;
    this.#tokenExpired = false;
    globalThis.window?.addEventListener("online", this.#wakeUp);
    globalThis.document?.addEventListener("visibilitychange", this.#wakeUp);
    this.#attempt();
  }

  /** Disconnects for good, and observes nothing any more; unconfirmed read marks are kept for another `connect()`. */
  close() {
    this.#sight.end();
    this.#leave("idle", { code: 1000 });
  }

  /** Looks at once whether the connection works; called by itself when the browser comes online or into view. */
  wake() {
    if (this.#state === "waiting") this.#attempt();
    else if (this.#state === "online" && !this.#timers.has("probe")) this.#probe();
  }

  /** Marks one as read, here at once, on the server as soon as it can be reached. @param {string} notificationId */
  markRead(notificationId) {
    const item = this.#list.get(notificationId);
    if (item?.status !== "unread") return;
    this.#showRead(item);
    this.#flush();
  }

  #showRead(item) {
    this.#acks.add(item);
    this.#show({ ...item, status: "read", read: true });
  }

  /** Marks all that are held as read, by one message. */
  markAllRead() {
    const unread = this.#list.items.filter((item) => item.status === "unread");
    if (unread.length === 0) return;
    for (const item of unread) this.#showRead(item);
    this.#acks.addAll(unread.at(-1).stream_id);
    this.#flush();
  }

  /**
   * Marks notifications, soon or when the connection is back; marks that were not sent yet are sent once.
   * @param {"seen"|"read"|"unread"|"archived"|"unarchived"|"acted"} as
   * @param {{ids: string[]}|{upTo: string}|{filter: object}} which
   */
  mark(as, { ids, upTo, filter }) {
    const which = ids ? { ids } : upTo ? { up_to: upTo } : { filter: filter ?? {} };
    this.#marks.push({ as, ...which });
    if (this.#marks.length > MARKS_KEPT) this.#marks.shift();
    this.#flush();
  }

  /** A page of the inbox with all states, as `GET /api/v1/inbox` answers; rejects without a connection. */
  query(wanted = {}) {
    if (!this.#connected()) return Promise.reject(new Error("not connected"));
    const ref = String((this.#refs += 1));
    this.#send("inbox.query", { ...wanted, ref });
    return new Promise((resolve, reject) => this.#queries.set(ref, { resolve, reject }));
  }

  /**
   * Marks a notification seen once half of its element, or half of the view, was in sight for a second in a page that is
   * not hidden; up to 20 in one mark, every 500 ms. @param {Element} element @param {string} notificationId
   */
  observe(element, notificationId) {
    this.#sight.add(element, notificationId);
  }

  /** Observes an element no more; one that leaves the page need not be told. @param {Element} element */
  unobserve(element) {
    this.#sight.remove(element);
  }

  #markSeen(ids) {
    const unseen = ids.filter((id) => !this.#isSeen(this.#list.get(id)));
    if (unseen.length > 0) this.mark("seen", { ids: unseen });
  }

  #isSeen(item) {
    return item?.seen || item?.read || item?.status === "auto_cleared";
  }

  /** Puts one off, by `{for: "2h"}` or `{until: "2030-01-01T09:00:00Z"}`. Rejects where the server refuses it. */
  snooze(notificationId, span) {
    return this.#call("PUT", notificationId, span);
  }

  /** Brings one back as it was. */
  unsnooze(notificationId) {
    return this.#call("DELETE", notificationId);
  }

  async #call(method, notificationId, body) {
    const token = await this.#token();
    const url = new URL(`api/v1/inbox/${encodeURIComponent(notificationId)}/snooze`, this.#address());
    url.protocol = url.protocol.replace(/^ws/, "http");
    url.search = new URLSearchParams({ user_id: this.#options.userId, login: this.#options.login });
    const headers = { ...(body && { "Content-Type": "application/json" }), ...(token && { Authorization: `Bearer ${token}` }) };
    const answer = await this.#options.fetch(url, { method, headers, body: body && JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.detail ?? `the server answers ${answer.status}`);
    return said;
  }

  /** Asks for notifications older than the oldest held; they arrive as `push` with `live: false`. */
  loadOlder(limit = 50) {
    const [oldest] = this.#list.items;
    if (this.#state === "online" && oldest) this.#sync("older", { limit, before: oldest.stream_id });
  }

  /** How long the server keeps this user's notifications. @param {number} days 1–15 */
  setRetention(days) {
    if (!Number.isInteger(days) || days < 1 || days > 15) throw new RangeError("days must be an integer of 1-15");
    this.#retentionWanted = days;
    this.#retentionSent = false;
    this.#flush();
  }

  // -- the connection

  async #attempt() {
    const turn = ++this.#turn;
    this.#stopTimer("retry");
    this.#setState("connecting", { attempt: this.#backoff.attempt + 1 });
    let token;
    try {
      token = await this.#token();
    } catch (error) {
      if (turn === this.#turn) this.#failed(error, () => this.#lost(LOST));
      return;
    }
    if (turn !== this.#turn) return;
    if (this.#tokenExpired && !token) this.#leave("stopped", { code: CLOSE_TOKEN_EXPIRED });
    else this.#open(token);
  }

  #token() {
    const { token } = this.#options;
    return typeof token === "function" ? token({ expired: this.#tokenExpired }) : token;
  }

  #open(token) {
    const protocols = token ? [["notifier.v1", `bearer.${token}`]] : [];
    try {
      this.#socket = new this.#options.WebSocket(this.#address(), ...protocols);
    } catch (error) {
      this.#failed(error, () => this.#leave("stopped")); // an address or token that no WebSocket takes: for good
      return;
    }
    this.#listen(this.#socket);
    this.#startTimer("connect", CONNECT_TIMEOUT_MS, () => this.#lost(LOST));
  }

  #listen(socket) {
    const whileCurrent = (task) => (event) => {
      if (socket === this.#socket) task(event);
    };
    socket.onopen = whileCurrent(() => this.#onOpen());
    socket.onmessage = whileCurrent((event) => this.#onFrame(event.data));
    socket.onclose = whileCurrent((event) => this.#lost(event.code));
  }

  #failed(error, follow) {
    this.#emit("error", { code: "connect_failed", message: error.message, in_reply_to: null });
    follow();
  }

  #address() {
    const url = new URL(this.#options.url ?? "ws", import.meta.url);
    url.protocol = url.protocol.replace(/^http/, "ws");
    url.searchParams.set("user_id", String(this.#options.userId));
    url.searchParams.set("login", this.#options.login);
    url.searchParams.set("events", "states,counts");
    return url.href;
  }

  #onOpen() {
    this.#stopTimer("connect");
    this.#opened = true;
    this.#setState("syncing");
    this.#flush();
  }

  /** Drops the socket without waiting for a handshake that may never come, and decides what follows. */
  #lost(code) {
    const wasOnlineFor = this.#onlineAt === null ? 0 : this.#clock.now() - this.#onlineAt;
    this.#disconnect();
    if (wasOnlineFor >= STABLE_AFTER_MS) this.#backoff.reset();
    this.#tokenExpired = code === CLOSE_TOKEN_EXPIRED;
    if (STOP_CODES.has(code) && !(this.#tokenExpired && this.#mayRenew())) return this.#leave("stopped", { code });
    const retryInMs = this.#backoff.next();
    this.#startTimer("retry", retryInMs, () => this.#attempt());
    return this.#setState("waiting", { code, retryInMs, attempt: this.#backoff.attempt });
  }

  #mayRenew() {
    this.#tokenTries += 1;
    return typeof this.#options.token === "function" && this.#tokenTries <= TOKEN_TRIES;
  }

  #leave(state, detail) {
    this.#turn += 1;
    this.#disconnect();
    for (const name of [...this.#timers.keys()]) this.#stopTimer(name);
    globalThis.window?.removeEventListener("online", this.#wakeUp);
    globalThis.document?.removeEventListener("visibilitychange", this.#wakeUp);
    this.#release();
    this.#setState(state, detail);
  }

  #disconnect() {
    const socket = this.#socket;
    this.#socket = null;
    this.#onlineAt = null;
    this.#syncs = [];
    this.#received.clear();
    this.#earlyReads.clear();
    for (const name of ["connect", "probe", "flush", "retry"]) this.#stopTimer(name);
    this.#rewind();
    for (const { reject } of this.#queries.values()) reject(new Error("the connection is gone"));
    this.#queries.clear();
    socket?.close();
  }

  #rewind() {
    this.#acks.rewind();
    this.#retentionSent = false;
  }

  #probe() {
    this.#startTimer("probe", PROBE_TIMEOUT_MS, () => this.#lost(LOST));
    this.#sync("probe", { limit: 1 });
  }

  // -- what the server says

  #onFrame(text) {
    this.#stopTimer("probe");
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return this.#emit("error", { code: "bad_frame", message: "the server sent no JSON", in_reply_to: null });
    }
    const { type, data } = frame ?? {};
    if (!isSound(type, data)) return undefined;
    if (type === "notification.push") return this.#take(data, this.#state === "online");
    if (type === "notification.read.ack") return this.#onReadAck(data);
    if (type === "notification.state") return this.#onState(data);
    if (type === "notification.update") return this.#onUpdate(data);
    if (type === "notification.removed") return this.#onRemoved(data);
    if (type === "inbox.counts") return this.#onCounts(data, false);
    if (type === "inbox.result") return this.#onResult(data);
    if (type === "sync.complete") return this.#onSyncComplete(data);
    if (type === "sync.response") return this.#onSyncResponse(data);
    if (type === "retention.ack") return this.#onRetentionAck(data);
    if (type === "error") return this.#onError(data);
    return undefined; // a newer server may say more than this client knows
  }

  #onState({ notification_id, stream_id, rev, ...states }) {
    const item = this.#list.get(notification_id);
    if (!item || item.status === "auto_cleared" || item.stream_id !== stream_id || rev < (item.rev ?? 0)) return;
    if (!states.read && this.#acks.has(notification_id)) return; // read here, which the server does not know yet
    if (states.read) this.#onReadAck({ notification_id });
    const next = { ...this.#list.get(notification_id), ...states, rev, status: states.read ? "read" : "unread" };
    this.#show(next);
    this.#emit("update", { notification: next });
  }

  #onUpdate(data) {
    const known = this.#list.get(data.notification_id);
    if (known && compareStreamIds(known.stream_id, data.stream_id) > 0) return;
    const next = { ...known, ...data, snoozed_until: null };
    this.#show(next);
    this.#emit("update", { notification: next });
  }

  #onRemoved({ notification_id, reason }) {
    this.#acks.confirm(notification_id);
    this.#stopTimer(`ack ${notification_id}`);
    this.#list.drop(notification_id);
    this.#announceChange();
    this.#emit("removed", { notification_id, reason });
  }

  /** Counts of a connect are taken as they are, later ones only with a higher revision. */
  #onCounts({ unread, unseen, total, rev }, anew) {
    if (!anew && rev <= this.#rev) return;
    this.#rev = rev;
    this.#counts = { unread, unseen, total };
    this.#announceChange();
    this.#emit("counts", { unread, unseen, total, rev });
  }

  #onResult({ ref, ...page }) {
    this.#queries.get(ref)?.resolve(page);
    this.#queries.delete(ref);
  }

  #take(data, live) {
    if (data.status === "auto_cleared") return this.#clear(data);
    const known = this.#list.get(data.notification_id);
    const again = known && compareStreamIds(data.stream_id, known.stream_id) > 0; // its sender brought it up anew, or it woke
    if (again) {
      this.#acks.confirm(data.notification_id);
      this.#list.drop(data.notification_id);
      this.#sight.again(data.notification_id);
    }
    if (this.#state === "syncing") this.#received.add(data.notification_id);
    else this.#advance(data.stream_id);
    if (data.read && this.#list.get(data.notification_id)) this.#onReadAck(data); // read elsewhere, or not confirmed in time
    const read = data.read || this.#acks.has(data.notification_id) || this.#earlyReads.has(data.notification_id);
    const item = { ...data, read, status: read ? "read" : "unread" };
    this.#planAck(item);
    if (!this.#show(item)) return undefined;
    if (this.#state === "syncing" && this.#syncedTo !== null) return this.#hold(item);
    return this.#emit("push", { notification: item, live });
  }

  /** After a reconnect nothing is told until nothing is missing, so that all of it comes in the stream's order. */
  #hold(item) {
    this.#held.push(item);
    if (this.#held.length > this.#options.keep) this.#release();
  }

  #release() {
    const held = this.#held.sort((a, b) => compareStreamIds(a.stream_id, b.stream_id));
    this.#held = [];
    for (const item of held) {
      const notification = this.#list.get(item.notification_id) ?? item;
      if (notification.status !== "auto_cleared") this.#emit("push", { notification, live: false });
    }
  }

  #isHeld(id) {
    return this.#held.some((item) => item.notification_id === id);
  }

  #advance(streamId) {
    if (this.#syncedTo === null || compareStreamIds(streamId, this.#syncedTo) > 0) this.#syncedTo = streamId;
  }

  #clear({ notification_id, stream_id }) {
    this.#acks.confirm(notification_id);
    this.#stopTimer(`ack ${notification_id}`);
    const item = this.#list.get(notification_id);
    if (item?.status === "auto_cleared") return;
    if (item) this.#show({ ...item, status: "auto_cleared", read: false });
    this.#emit("cleared", { notification_id, stream_id });
  }

  #onReadAck({ notification_id }) {
    const awaited = this.#acks.has(notification_id);
    this.#acks.confirm(notification_id);
    this.#stopTimer(`ack ${notification_id}`);
    const item = this.#list.get(notification_id);
    if (!item) return this.#rememberEarly(notification_id);
    if (item.status === "read" && !awaited) return undefined;
    const read = { ...item, status: "read", read: true };
    this.#show(read);
    return this.#isHeld(notification_id) ? undefined : this.#emit("read", { notification: read });
  }

  /** Another tab read what has not reached this one yet. */
  #rememberEarly(id) {
    if (this.#earlyReads.size < this.#options.keep) this.#earlyReads.add(id);
  }

  #onSyncComplete({ total, counts, rev }) {
    if (counts) this.#onCounts({ ...counts, rev }, true);
    this.#total = total;
    this.#tokenTries = 0;
    if (this.#received.size < total && this.#syncedTo !== null) this.#sync("gap", { limit: PAGE, after: this.#syncedTo });
    else this.#synced();
  }

  /** What a connect sends ends at the newest 100; a page that is not full ends the walk through what lies before. */
  #onSyncResponse(items) {
    const purpose = this.#syncs.shift();
    for (const item of items) this.#take(item, false);
    if (purpose !== "gap") return;
    if (items.length === PAGE) this.#sync("gap", { limit: PAGE, after: items.at(-1).stream_id });
    else this.#synced();
  }

  #synced() {
    if (this.#received.size >= this.#total) this.#clearMissing();
    this.#advance(this.#list.items.at(-1)?.stream_id ?? BEGINNING);
    this.#received.clear();
    this.#release();
    this.#onlineAt = this.#clock.now();
    this.#setState("online");
    this.#sight.again(); // the last connection may have lost a mark
  }

  /** All that the inbox holds has come: what is unread here and did not come is there no more. */
  #clearMissing() {
    const gone = this.#list.items.filter((item) => item.status === "unread" && !this.#received.has(item.notification_id));
    for (const item of gone) this.#clear(item);
  }

  #onRetentionAck({ days }) {
    this.retentionDays = days;
    if (this.#retentionWanted === days) this.#retentionWanted = null;
    this.#emit("retention", { days });
  }

  #onError(problem) {
    const later = problem.code === "rate_limited" || problem.code === "unavailable";
    const about = problem.in_reply_to;
    if (about === "sync.request" || (about === null && later)) this.#onSyncRefused();
    if (later) this.#tryLater();
    else if (about === "notification.read") this.#acks.refuse();
    else if (about === "notification.read_all") this.#acks.refuseAll();
    else if (about === "retention.set") this.#retentionWanted = null;
    this.#emit("error", problem);
  }

  /** Without its answer a gap would stay: a new connection asks again. */
  #onSyncRefused() {
    if (this.#syncs.shift() === "gap") this.#lost(LOST);
  }

  #tryLater() {
    const wait = RETRY_MS * (1 + this.#options.random());
    this.#startTimer("flush", wait, () => {
      this.#rewind();
      this.#flush();
    });
  }

  // -- what this client says

  #sync(purpose, data) {
    this.#syncs.push(purpose);
    this.#send("sync.request", data);
  }

  #flush() {
    if (!this.#connected() || this.#timers.has("flush")) return;
    this.#flushRetention();
    while (this.#marks.length > 0 && this.#hasBudget()) {
      this.#budget -= 1;
      this.#send("notification.mark", this.#marks.shift());
    }
    while (this.#hasBudget()) {
      const message = this.#acks.next();
      if (message === null) return;
      this.#budget -= 1;
      this.#send(...message);
    }
    this.#startTimer("flush", RETRY_MS, () => this.#flush());
  }

  #flushRetention() {
    if (this.#retentionWanted === null || this.#retentionSent) return;
    this.#retentionSent = true;
    this.#send("retention.set", { days: this.#retentionWanted });
  }

  #hasBudget() {
    const now = this.#clock.now();
    const refill = ((now - this.#budgetAt) / 1000) * SENDS_PER_SECOND;
    this.#budget = Math.min(SENDS_PER_SECOND, this.#budget + refill);
    this.#budgetAt = now;
    return this.#budget >= 1;
  }

  #connected() {
    return this.#state === "syncing" || this.#state === "online";
  }

  #send(type, data) {
    this.#socket.send(JSON.stringify({ type, data }));
  }

  #planAck({ notification_id, status }) {
    const name = `ack ${notification_id}`;
    if (this.#autoAckMs === null) this.#stopTimer(name);
    else if (status === "unread" && !this.#timers.has(name)) {
      this.#startTimer(name, this.#autoAckMs, () => this.markRead(notification_id));
    }
  }

  // -- small tools

  #show(item) {
    const first = this.#list.put(item);
    this.#announceChange();
    return first;
  }

  #announceChange() {
    if (this.#changePending) return;
    this.#changePending = true;
    queueMicrotask(() => {
      this.#changePending = false;
      this.#emit("change", {});
    });
  }

  #setState(state, { code = null, attempt = 0, retryInMs = 0 } = {}) {
    this.#state = state;
    this.#emit("state", { state, code, attempt, retryInMs, opened: this.#opened });
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #startTimer(name, ms, task) {
    this.#stopTimer(name);
    const timer = this.#clock.setTimeout(() => {
      this.#timers.delete(name);
      task();
    }, ms);
    this.#timers.set(name, timer);
  }

  #stopTimer(name) {
    if (!this.#timers.has(name)) return;
    this.#clock.clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }
}
