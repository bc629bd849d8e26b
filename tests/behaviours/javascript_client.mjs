/**
 * notifier-client.js driven by lines of JSON: commands on stdin, events on stdout. `driver.py` describes both.
 *
 * The argument is how many seconds this process' wall clock is ahead.
 */
import { createInterface } from "node:readline";

const ahead = Number(process.argv[2]) * 1_000;

globalThis.Date = class extends Date {
  constructor(...parts) {
    super(...(parts.length === 0 ? [Date.now()] : parts));
  }

  static now() {
    return super.now() + ahead;
  }
};

const { NotifierClient } = await import("../../notifier/web/static/notifier-client.js");

/** Time that passes `speed` times as fast. */
function fastClock(speed) {
  return {
    passed: 0,
    now() {
      return performance.now() * speed + this.passed;
    },
    setTimeout: (task, ms) => setTimeout(task, ms / speed),
    clearTimeout: (timer) => clearTimeout(timer),
  };
}

function tell(event, facts = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...facts })}\n`);
}

const STATES = {
  syncing: () => tell("connected"),
  online: () => tell("online"),
  waiting: ({ retryInMs, code }) => tell("waiting", { delay: retryInMs / 1_000, code }),
  stopped: ({ code }) => tell("stopped", { code }),
  idle: () => tell("closed"),
};

function connect({ url, token, user_id, login, die }) {
  const client = new NotifierClient({
    url: `${url}/ws`,
    userId: user_id,
    login,
    token,
    clock,
    random: die === null ? Math.random : () => die,
  });
  client.addEventListener("state", ({ detail }) => STATES[detail.state]?.(detail));
  client.addEventListener("push", ({ detail: { notification } }) => {
    tell("push", { id: notification.notification_id, message: notification.message, status: notification.status });
  });
  client.addEventListener("read", ({ detail }) => tell("read", { id: detail.notification.notification_id }));
  client.addEventListener("cleared", ({ detail }) => tell("cleared", { id: detail.notification_id }));
  client.addEventListener("counts", ({ detail: { unread, unseen, total } }) => tell("counts", { unread, unseen, total }));
  client.addEventListener("error", ({ detail }) => tell("error", { code: detail.code }));
  client.connect();
  return client;
}

let client = null;
let clock = null;

function pass(seconds) {
  clock.passed += seconds * 1_000;
  tell("passed");
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.do === "connect") {
    clock = fastClock(command.speed);
    client = connect(command);
  } else if (command.do === "read") client.markRead(command.id);
  else if (command.do === "read_all") client.markAllRead();
  else if (command.do === "pass") pass(command.seconds);
  else if (command.do === "close") client.close();
}
