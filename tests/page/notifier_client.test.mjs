/** Unit tests of notifier-client.js, without network or time. Run: node --test tests/page/notifier_client.test.mjs */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Backoff, compareStreamIds } from "../../notifier/web/static/notifier-client.js";
import { notification, settle, world } from "./fakes.mjs";

const PUSHES = (events) => events.filter(([type]) => type === "push").map(([, detail]) => detail.notification.message);

/** Closes the connection with a code and waits until the next one is being made. */
async function reconnect(it, code = 1012) {
  it.socket.end(code);
  await nextAttempt(it);
}

async function nextAttempt(it) {
  assert.equal(it.client.state, "waiting");
  const [, { retryInMs }] = it.events.findLast(([type]) => type === "state");
  const before = it.sockets.length;
  await it.clock.advance(retryInMs);
  assert.equal(it.sockets.length, before + 1, "one new attempt");
}

describe("address and token", () => {
  test("names the user, over ws or wss as the page does", async () => {
    const it = await world({ url: "https://host.example/notify/ws", userId: 7, login: "ünï+x@y" });
    assert.equal(it.socket.address.protocol, "wss:");
    assert.equal(it.socket.address.pathname, "/notify/ws");
    assert.deepEqual([...it.socket.address.searchParams], [
      ["user_id", "7"],
      ["login", "ünï+x@y"],
      ["events", "states,counts"],
    ]);
  });

  test("offers no subprotocol without a token: a browser gives up when the server names none", async () => {
    const it = await world();
    assert.equal(it.socket.protocols, undefined);
  });

  test("sends the token as a subprotocol and keeps it out of the address", async () => {
    const it = await world({ token: "a.b-c_d" });
    assert.deepEqual(it.socket.protocols, ["notifier.v1", "bearer.a.b-c_d"]);
    assert.ok(!it.socket.address.href.includes("a.b-c_d"));
  });

  test("stops at a token that no WebSocket takes", async () => {
    const it = await world({ token: "with space" });
    assert.equal(it.client.state, "stopped");
    assert.equal(it.events.find(([type]) => type === "error")[1].code, "connect_failed");
  });

  test("an expired token is asked for anew, then used", async () => {
    const asked = [];
    const it = await world({ token: (why) => { asked.push(why.expired); return `t${asked.length}`; } });
    it.socket.accept();
    await reconnect(it, 4401);
    assert.deepEqual(asked, [false, true]);
    assert.deepEqual(it.socket.protocols, ["notifier.v1", "bearer.t2"]);
  });

  test("no new token after an expired one ends the attempts", async () => {
    const it = await world({ token: ({ expired }) => (expired ? null : "old") });
    it.socket.accept();
    it.socket.end(4401);
    await it.clock.advance(60_000);
    assert.equal(it.client.state, "stopped");
    assert.equal(it.sockets.length, 1);
  });

  test("a server that calls every new token expired is not asked for ever", async () => {
    const it = await world({ token: () => "always-expired" });
    for (let round = 0; round < 10 && it.client.state !== "stopped"; round += 1) {
      it.socket.end(4401);
      if (it.client.state === "waiting") await nextAttempt(it);
    }
    assert.equal(it.client.state, "stopped");
    assert.ok(it.sockets.length <= 4);
  });

  test("a token source that fails is tried again", async () => {
    let calls = 0;
    const it = await world({ token: async () => { calls += 1; if (calls === 1) throw new Error("away"); return "t"; } });
    assert.equal(it.client.state, "waiting");
    await it.clock.advance(2_000);
    assert.deepEqual(it.socket.protocols, ["notifier.v1", "bearer.t"]);
  });

  test("close() while a token is fetched leaves nothing behind", async () => {
    let give;
    const it = await world({ token: () => new Promise((resolve) => { give = resolve; }) });
    it.client.close();
    give("late");
    await settle();
    assert.equal(it.sockets.length, 0);
    assert.equal(it.client.state, "idle");
  });
});

describe("reconnect", () => {
  for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013]) {
    test(`close code ${code}: again`, async () => {
      const it = await world();
      it.socket.accept();
      await reconnect(it, code);
      it.socket.accept();
      assert.equal(it.client.state, "online");
    });
  }

  for (const code of [1008, 4401, 4403]) {
    test(`close code ${code}: never`, async () => {
      const it = await world();
      it.socket.accept();
      it.socket.end(code);
      await it.clock.advance(3_600_000);
      assert.equal(it.sockets.length, 1);
      assert.deepEqual(it.events.at(-1), ["state", { state: "stopped", code, attempt: 0, retryInMs: 0, opened: true }]);
    });
  }

  test("waits longer each time, within bounds, and starts over after a stable connection", async () => {
    const it = await world({ random: () => 1, backoff: { min: 100, first: 1_000, max: 8_000 } });
    const waits = () => it.events.filter(([, detail]) => detail.state === "waiting").map(([, detail]) => detail.retryInMs);
    for (let round = 0; round < 5; round += 1) await reconnect(it, 1006);
    assert.deepEqual(waits(), [1_000, 2_000, 4_000, 8_000, 8_000]);
    it.socket.accept();
    await reconnect(it, 1012);
    assert.equal(waits().at(-1), 8_000, "a connection that dies at once is no success");
    it.socket.accept();
    await it.clock.advance(5_000);
    await reconnect(it, 1012);
    assert.equal(waits().at(-1), 1_000);
  });

  test("jitter spreads over the whole range", () => {
    const backoff = (value) => new Backoff({ min: 100, first: 1_000, max: 30_000 }, () => value).next();
    assert.deepEqual([backoff(0), backoff(0.5), backoff(1)], [100, 550, 1_000]);
  });

  test("an attempt that hangs is given up after 15 s", async () => {
    const it = await world();
    await it.clock.advance(14_999);
    assert.equal(it.sockets.length, 1);
    await it.clock.advance(2_000);
    assert.equal(it.sockets.length, 2);
    assert.ok(it.sockets[0].closed);
  });

  test("what an abandoned socket still says is ignored", async () => {
    const it = await world();
    const [old] = it.sockets;
    old.accept();
    await reconnect(it);
    old.push(notification(1));
    old.end(1008);
    assert.equal(it.client.notifications.length, 0);
    assert.equal(it.client.state, "connecting");
  });

  test("wake() shortens the wait", async () => {
    const it = await world();
    it.socket.end(1006);
    it.client.wake();
    await settle();
    assert.equal(it.sockets.length, 2);
    await it.clock.advance(10_000);
    assert.equal(it.sockets.length, 2, "and the old wait is off");
  });

  test("wake() finds a connection that died in silence", async () => {
    const it = await world();
    it.socket.accept();
    it.client.wake();
    it.client.wake();
    assert.equal(it.socket.of("sync.request").length, 1);
    await it.clock.advance(12_000);
    assert.equal(it.sockets.length, 2);
    it.socket.accept();
    it.client.wake();
    it.socket.say("sync.response", []);
    await it.clock.advance(60_000);
    assert.equal(it.sockets.length, 2, "an answer is a sign of life");
  });

  test("close() ends everything; connect() may follow", async () => {
    const it = await world({ autoAckMs: 1_000 });
    it.socket.accept([notification(1)]);
    it.client.close();
    assert.ok(it.socket.closed);
    assert.equal(it.clock.pending, 0);
    it.client.connect();
    it.client.connect();
    await settle();
    assert.equal(it.sockets.length, 2);
  });
});

describe("what arrives", () => {
  test("server restart: everything once, nothing missed, in order", async () => {
    const it = await world();
    it.socket.accept([notification(1, { read: true }), notification(2)]);
    it.socket.push(notification(3));
    await reconnect(it);
    it.socket.accept([notification(2), notification(3), notification(4), notification(1, { read: true })]);
    it.socket.push(notification(5));
    assert.deepEqual(PUSHES(it.events), ["message 1", "message 2", "message 3", "message 4", "message 5"]);
    assert.deepEqual(it.client.notifications.map((item) => item.message).reverse(), PUSHES(it.events));
    assert.equal(it.client.unread, 4);
  });

  test("tells replayed from live", async () => {
    const it = await world();
    it.socket.accept([notification(1)]);
    it.socket.push(notification(2));
    const live = it.events.filter(([type]) => type === "push").map(([, detail]) => detail.live);
    assert.deepEqual(live, [false, true]);
  });

  test("a repeated push is no second notification", async () => {
    const it = await world();
    it.socket.accept();
    it.socket.push(notification(1));
    it.socket.push(notification(1));
    assert.deepEqual(PUSHES(it.events), ["message 1"]);
    assert.equal(it.client.unread, 1);
  });

  test("missed messages beyond what a connect sends are asked for, page by page", async () => {
    const it = await world();
    it.socket.accept([notification(1, { read: true })]);
    await reconnect(it);
    const newest = Array.from({ length: 100 }, (_, index) => notification(200 + index, { read: true }));
    it.socket.accept(newest, { total: 299 });
    assert.deepEqual(it.socket.of("sync.request"), [{ limit: 100, after: notification(1).stream_id }]);
    assert.equal(it.client.state, "syncing");
    const page = (from, size) => Array.from({ length: size }, (_, index) => notification(from + index, { read: true }));
    it.socket.say("sync.response", page(2, 100));
    assert.equal(it.socket.of("sync.request").at(-1).after, notification(101).stream_id);
    it.socket.say("sync.response", page(102, 99));
    assert.equal(it.client.state, "online");
    const ids = it.client.notifications.map((item) => item.stream_id).reverse();
    assert.deepEqual(ids, Array.from({ length: 299 }, (_, index) => notification(index + 1).stream_id));
    assert.equal(new Set(PUSHES(it.events)).size, 299);
  });

  test("a connection lost while syncing does not hide the gap from the next one", async () => {
    const it = await world();
    it.socket.accept([notification(1, { read: true })]);
    await reconnect(it);
    it.socket.onopen({});
    it.socket.push(notification(500));
    await reconnect(it);
    it.socket.accept([notification(500), notification(499, { read: true })], { total: 4 });
    assert.equal(it.socket.of("sync.request")[0].after, notification(1).stream_id);
  });

  test("a refused gap request leads to a new connection, not to a gap", async () => {
    const it = await world();
    it.socket.accept([notification(1, { read: true })]);
    await reconnect(it);
    it.socket.accept([notification(300)], { total: 5 });
    it.socket.say("error", { code: "unavailable", message: "away", in_reply_to: "sync.request" });
    assert.equal(it.client.state, "waiting");
  });

  test("a first connect asks for nothing more; loadOlder does", async () => {
    const it = await world();
    it.socket.accept([notification(50)], { total: 60 });
    assert.equal(it.socket.sent.length, 0);
    it.client.loadOlder(10);
    assert.deepEqual(it.socket.of("sync.request"), [{ limit: 10, before: notification(50).stream_id }]);
    it.socket.say("sync.response", [notification(49, { read: true })]);
    assert.deepEqual(it.client.notifications.map((item) => item.message), ["message 50", "message 49"]);
  });

  test("clock skew: order is the stream's, whatever the times say", async () => {
    const it = await world();
    it.socket.accept([
      notification(1, { created_at: "2099-01-01T00:00:00.000Z" }),
      notification(3, { created_at: "1999-01-01T00:00:00.000Z" }),
      notification(2, { created_at: "2024-01-01T00:00:00.000Z" }),
    ]);
    assert.deepEqual(it.client.notifications.map((item) => item.message), ["message 3", "message 2", "message 1"]);
  });

  test("stream ids compare as numbers of any length", () => {
    const ids = ["9-0", "10-0", "10-9", "10-10", "18446744073709551614-0", "18446744073709551615-0"];
    for (let index = 1; index < ids.length; index += 1) {
      assert.ok(compareStreamIds(ids[index - 1], ids[index]) < 0, `${ids[index - 1]} < ${ids[index]}`);
      assert.ok(compareStreamIds(ids[index], ids[index - 1]) > 0);
    }
    assert.equal(compareStreamIds("5-1", "5-1"), 0);
  });

  test("a cleared one is told once and counts as unread no more", async () => {
    const it = await world();
    it.socket.accept([notification(1)]);
    const { notification_id, stream_id } = notification(1);
    const cleared = { notification_id, stream_id, status: "auto_cleared", read: false, message: "" };
    it.socket.push(cleared);
    it.socket.push(cleared);
    assert.equal(it.client.unread, 0);
    assert.equal(it.client.notifications[0].status, "auto_cleared");
    assert.equal(it.client.notifications[0].message, "message 1");
    assert.deepEqual(it.events.filter(([type]) => type === "cleared").length, 1);
  });

  test("what left the inbox during an absence is not left unread here", async () => {
    const it = await world();
    it.socket.accept([notification(1), notification(2)]);
    await reconnect(it);
    it.socket.accept([notification(2)]);
    assert.equal(it.client.unread, 1);
    assert.equal(it.client.notifications.at(-1).status, "auto_cleared");
  });

  test("memory is bounded; what is unread goes last", async () => {
    const it = await world({ keep: 10 });
    it.socket.accept([notification(1)]);
    for (let number = 2; number <= 500; number += 1) it.socket.push(notification(number, { read: true }));
    assert.equal(it.client.notifications.length, 10);
    assert.equal(it.client.notifications.at(-1).message, "message 1");
    it.socket.push(notification(450, { read: true }));
    assert.equal(PUSHES(it.events).length, 500, "dropped, and still known");
  });

  test("unknown types and broken frames disturb nothing", async () => {
    const it = await world();
    it.socket.accept();
    it.socket.say("something.new", { x: 1 });
    it.socket.onmessage({ data: "null" });
    it.socket.onmessage({ data: "{" });
    it.socket.push(notification(1));
    assert.equal(it.client.unread, 1);
    assert.equal(it.events.find(([type]) => type === "error")[1].code, "bad_frame");
  });

  test("many changes made together are announced once", async () => {
    const it = await world();
    it.socket.accept([1, 2, 3, 4].map((number) => notification(number)));
    await settle();
    assert.equal(it.events.filter(([type]) => type === "change").length, 1);
  });
});

describe("read marks", () => {
  const ids = (number) => {
    const { notification_id, stream_id } = notification(number);
    return { notification_id, stream_id };
  };

  test("shown at once, sent once, confirmed by the server", async () => {
    const it = await world();
    it.socket.accept([notification(1)]);
    it.client.markRead(ids(1).notification_id);
    it.client.markRead(ids(1).notification_id);
    assert.equal(it.client.unread, 0);
    assert.equal(it.client.unconfirmed, 1);
    assert.deepEqual(it.socket.of("notification.read"), [ids(1)]);
    it.socket.say("notification.read.ack", ids(1));
    assert.equal(it.client.unconfirmed, 0);
  });

  test("duplicate ack: a second confirmation changes nothing", async () => {
    const it = await world();
    it.socket.accept([notification(1)]);
    it.client.markRead(ids(1).notification_id);
    it.socket.say("notification.read.ack", ids(1));
    it.socket.say("notification.read.ack", ids(1));
    assert.equal(it.events.filter(([type]) => type === "read").length, 1);
    assert.equal(it.client.unread, 0);
  });

  test("made offline, sent on the next connection, over what the server still believes", async () => {
    const it = await world();
    it.socket.accept([notification(1)]);
    it.socket.end(1012);
    it.client.markRead(ids(1).notification_id);
    await nextAttempt(it);
    it.socket.accept([notification(1)]);
    assert.deepEqual(it.socket.of("notification.read"), [ids(1)]);
    assert.equal(it.client.unread, 0);
  });

  test("sent and not confirmed: sent again on the next connection", async () => {
    const it = await world();
    it.socket.accept([notification(1)]);
    it.client.markRead(ids(1).notification_id);
    await reconnect(it);
    it.socket.accept([notification(1)]);
    assert.deepEqual(it.socket.of("notification.read"), [ids(1)]);
    it.socket.say("notification.read.ack", ids(1));
    await reconnect(it);
    it.socket.accept([notification(1, { read: true })]);
    assert.deepEqual(it.socket.of("notification.read"), []);
  });

  test("another tab's mark is taken over, also when it is faster than the push", async () => {
    const it = await world();
    it.socket.onopen({});
    it.socket.say("notification.read.ack", ids(2));
    it.socket.push(notification(1));
    it.socket.push(notification(2));
    it.socket.say("sync.complete", { pending: 2, total: 2 });
    it.socket.say("notification.read.ack", ids(1));
    assert.equal(it.client.unread, 0);
    assert.equal(it.socket.sent.length, 0);
  });

  test("read all is one message, confirmed one by one", async () => {
    const it = await world();
    it.socket.accept([1, 2, 3].map((number) => notification(number)));
    it.client.markAllRead();
    assert.deepEqual(it.socket.sent, [{ type: "notification.read_all", data: { up_to: ids(3).stream_id } }]);
    assert.equal(it.client.unread, 0);
    for (const number of [1, 2, 3]) it.socket.say("notification.read.ack", ids(number));
    assert.equal(it.client.unconfirmed, 0);
    await reconnect(it);
    it.socket.accept([1, 2, 3].map((number) => notification(number, { read: true })));
    assert.equal(it.socket.sent.length, 0);
  });

  test("read all made offline leaves later ones unread", async () => {
    const it = await world();
    it.socket.accept([notification(1)]);
    it.socket.end(1006);
    it.client.markAllRead();
    await nextAttempt(it);
    it.socket.accept([notification(1), notification(2)]);
    assert.deepEqual(it.socket.of("notification.read_all"), [{ up_to: ids(1).stream_id }]);
    assert.equal(it.client.unread, 1);
  });

  test("a mark for what is gone is given up", async () => {
    const it = await world();
    it.socket.accept([notification(1), notification(2)]);
    it.client.markRead(ids(1).notification_id);
    it.client.markRead(ids(2).notification_id);
    it.socket.say("error", { code: "not_found", message: "not in this inbox", in_reply_to: "notification.read" });
    it.socket.say("notification.read.ack", ids(2));
    assert.equal(it.client.unconfirmed, 0);
    assert.equal(it.client.state, "online");
  });

  for (const code of ["rate_limited", "unavailable"]) {
    test(`${code}: the mark is tried again later`, async () => {
      const it = await world();
      it.socket.accept([notification(1)]);
      it.client.markRead(ids(1).notification_id);
      it.socket.say("error", { code, message: "later", in_reply_to: "notification.read" });
      assert.equal(it.socket.of("notification.read").length, 1);
      await it.clock.advance(2_000);
      assert.equal(it.socket.of("notification.read").length, 2);
    });
  }

  test("hundreds of marks keep below the server's limit of messages", async () => {
    const it = await world();
    it.socket.accept(Array.from({ length: 200 }, (_, index) => notification(index + 1)));
    for (const item of it.client.notifications) it.client.markRead(item.notification_id);
    assert.equal(it.socket.of("notification.read").length, 40);
    await it.clock.advance(1_000);
    assert.equal(it.socket.of("notification.read").length, 80);
    await it.clock.advance(10_000);
    assert.equal(new Set(it.socket.of("notification.read").map((data) => data.notification_id)).size, 200);
  });

  test("automatic marks come after the delay, and can be switched on and off", async () => {
    const it = await world({ autoAckMs: 2_000 });
    it.socket.accept([notification(1)]);
    await it.clock.advance(1_999);
    assert.equal(it.client.unread, 1);
    await it.clock.advance(1);
    assert.equal(it.client.unread, 0);
    it.client.autoAckMs = null;
    it.socket.push(notification(2));
    await it.clock.advance(60_000);
    assert.equal(it.client.unread, 1);
    it.client.autoAckMs = 500;
    await it.clock.advance(500);
    assert.equal(it.client.unread, 0);
  });
});

describe("retention", () => {
  test("set now or on the next connection, once", async () => {
    const it = await world();
    it.client.setRetention(7);
    it.socket.accept([notification(1)]);
    it.client.markRead(notification(1).notification_id);
    assert.deepEqual(it.socket.of("retention.set"), [{ days: 7 }]);
    it.socket.say("retention.ack", { days: 7 });
    assert.equal(it.client.retentionDays, 7);
    await reconnect(it);
    it.socket.accept();
    assert.deepEqual(it.socket.of("retention.set"), []);
  });

  test("takes 1-15 whole days", async () => {
    const it = await world();
    for (const days of [0, 16, 1.5, "3", Number.NaN]) assert.throws(() => it.client.setRetention(days), RangeError);
  });
});
