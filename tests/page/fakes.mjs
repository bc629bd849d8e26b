/** What the unit tests of notifier-client.js put in place of the world: a socket, a clock, a die. */
import { NotifierClient } from "../../notifier/web/static/notifier-client.js";

/** A clock that moves only when told; `advance` runs what falls due, in order. */
export class FakeClock {
  #now = 1_000;
  #timers = new Map();
  #next = 1;

  now = () => this.#now;

  setTimeout = (task, ms) => {
    this.#timers.set(this.#next, { at: this.#now + ms, task });
    return this.#next++;
  };

  clearTimeout = (timer) => this.#timers.delete(timer);

  get pending() {
    return this.#timers.size;
  }

  async advance(ms) {
    const end = this.#now + ms;
    for (let due = this.#due(end); due; due = this.#due(end)) {
      const [key, { at, task }] = due;
      this.#timers.delete(key);
      this.#now = at;
      task();
      await settle();
    }
    this.#now = end;
  }

  #due(end) {
    const ripe = [...this.#timers].filter(([, timer]) => timer.at <= end);
    return ripe.sort(([, a], [, b]) => a.at - b.at)[0];
  }
}

/** Lets promises and microtasks run dry. */
export async function settle() {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

/** Makes a WebSocket class that records its instances and opens only when told. */
export function fakeSockets() {
  const sockets = [];
  class FakeWebSocket {
    constructor(address, protocols) {
      if (protocols?.some((name) => /[^!#$%&'*+.^_`|~0-9A-Za-z-]/.test(name))) throw new SyntaxError("bad subprotocol");
      Object.assign(this, { address: new URL(address), protocols, sent: [], closed: false });
      sockets.push(this);
    }

    send(text) {
      this.sent.push(JSON.parse(text));
    }

    close() {
      this.closed = true;
    }

    // -- the server's side

    say(type, data) {
      this.onmessage({ data: JSON.stringify({ type, data }) });
    }

    push(notification) {
      this.say("notification.push", notification);
    }

    /** Opens, replays an inbox and completes the sync. */
    accept(inbox = [], { total = inbox.length } = {}) {
      this.onopen({});
      for (const notification of inbox) this.push(notification);
      this.say("sync.complete", { pending: inbox.filter((item) => !item.read).length, total });
    }

    end(code) {
      this.onclose({ code, reason: "" });
    }

    of(type) {
      return this.sent.filter((message) => message.type === type).map((message) => message.data);
    }
  }
  return { sockets, FakeWebSocket };
}

/** A push, whose stream id and notification id derive from one number. */
export function notification(number, changes = {}) {
  const read = changes.read ?? false;
  return {
    notification_id: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`,
    stream_id: `${1_700_000_000_000 + number}-0`,
    message: `message ${number}`,
    created_at: "2024-01-01T12:00:00.000Z",
    source: "test",
    status: read ? "read" : "unread",
    read,
    ...changes,
  };
}

/** A client in a fake world: `world.socket` is the newest socket, `world.events` all that was told. */
export async function world(options = {}) {
  const clock = new FakeClock();
  const { sockets, FakeWebSocket } = fakeSockets();
  const client = new NotifierClient({
    url: "http://host.example/ws",
    userId: 1,
    login: "alice",
    WebSocket: FakeWebSocket,
    clock,
    random: () => 0.5,
    ...options,
  });
  const events = [];
  for (const type of ["state", "push", "read", "cleared", "change", "retention", "error"]) {
    client.addEventListener(type, ({ detail }) => events.push([type, detail]));
  }
  client.connect();
  await settle();
  return { client, clock, events, sockets, get socket() { return sockets.at(-1); } };
}
