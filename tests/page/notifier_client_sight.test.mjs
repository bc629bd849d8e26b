/** Unit tests of `NotifierClient.observe`, in a page whose views and time pass when told. */
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";

import { notification, world } from "./fakes.mjs";

const id = (number) => notification(number).notification_id;
let page;

/** A page with a view 600 high; `show(element, height)` says how much of an element, 100 high, is in it. */
function fakePage() {
  const observed = new Set();
  let report = null;
  globalThis.IntersectionObserver = class {
    constructor(task) {
      report = task;
    }

    observe = (element) => observed.add(element);
    unobserve = (element) => observed.delete(element);
    disconnect = () => observed.clear();
  };
  globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  return {
    observed,
    show(element, height, of = 100) {
      if (!observed.has(element)) return;
      const view = { target: element, isIntersecting: height > 0, intersectionRatio: height / of };
      report([{ ...view, intersectionRect: { height }, rootBounds: { height: 600 } }]);
    },
    turn(visibilityState) {
      globalThis.document.visibilityState = visibilityState;
      globalThis.document.dispatchEvent(new Event("visibilitychange"));
    },
  };
}

/** A client that is online with this many notifications, each shown by an element. */
async function observing(count) {
  const it = await world();
  it.socket.accept(Array.from({ length: count }, (_, index) => notification(index + 1)));
  it.elements = Array.from({ length: count }, (_, index) => {
    const element = { number: index + 1 };
    it.client.observe(element, id(index + 1));
    return element;
  });
  it.marks = () => it.socket.of("notification.mark");
  return it;
}

beforeEach(() => {
  page = fakePage();
});

describe("what is in sight", () => {
  test("half of it for a second is seen, sent within half a second more", async () => {
    const it = await observing(1);
    page.show(it.elements[0], 50);
    await it.clock.advance(1_499);
    assert.deepEqual(it.marks(), []);
    await it.clock.advance(1);
    assert.deepEqual(it.marks(), [{ as: "seen", ids: [id(1)] }]);
  });

  test("less than half, or less than a second at a time, is not", async () => {
    const it = await observing(2);
    page.show(it.elements[0], 49);
    for (let turn = 0; turn < 5; turn += 1) {
      page.show(it.elements[1], 100);
      await it.clock.advance(999);
      page.show(it.elements[1], 20);
    }
    await it.clock.advance(60_000);
    assert.deepEqual(it.marks(), []);
  });

  test("of what is taller than the view, half of the view is enough", async () => {
    const it = await observing(2);
    page.show(it.elements[0], 299, 2_000);
    page.show(it.elements[1], 300, 2_000);
    await it.clock.advance(1_500);
    assert.deepEqual(it.marks(), [{ as: "seen", ids: [id(2)] }]);
  });

  test("twenty in one mark, every half second", async () => {
    const it = await observing(45);
    for (const element of it.elements) page.show(element, 100);
    const sizes = () => it.marks().map((mark) => mark.ids.length);
    await it.clock.advance(1_500);
    assert.deepEqual(sizes(), [20]);
    await it.clock.advance(500);
    assert.deepEqual(sizes(), [20, 20]);
    await it.clock.advance(500);
    assert.deepEqual(sizes(), [20, 20, 5]);
    assert.equal(new Set(it.marks().flatMap((mark) => mark.ids)).size, 45);
    assert.equal(it.clock.pending, 0);
  });

  test("what is read, or seen on another device, is not marked", async () => {
    const it = await observing(2);
    it.client.markRead(id(1));
    const states = { seen: true, read: false, archived: false, acted: false, snoozed_until: null, rev: 9 };
    it.socket.say("notification.state", { notification_id: id(2), stream_id: notification(2).stream_id, ...states });
    for (const element of it.elements) page.show(element, 100);
    await it.clock.advance(1_500);
    assert.deepEqual(it.marks(), []);
  });

  test("an element may show another one later, or none", async () => {
    const it = await observing(2);
    page.show(it.elements[0], 100);
    await it.clock.advance(600);
    it.client.observe(it.elements[0], id(2));
    page.show(it.elements[0], 100);
    page.show(it.elements[1], 100);
    it.client.unobserve(it.elements[1]);
    await it.clock.advance(1_500);
    assert.deepEqual(it.marks(), [{ as: "seen", ids: [id(2)] }]);
    assert.deepEqual([...page.observed], [it.elements[0]]);
  });
});

describe("a page that is hidden", () => {
  test("begins the second anew once it is in view", async () => {
    const it = await observing(2);
    page.show(it.elements[0], 100);
    await it.clock.advance(900);
    page.turn("hidden");
    page.show(it.elements[1], 100);
    await it.clock.advance(60_000);
    assert.deepEqual(it.marks(), []);
    page.turn("visible");
    await it.clock.advance(1_499);
    assert.deepEqual(it.marks(), []);
    await it.clock.advance(1);
    assert.deepEqual(it.marks(), [{ as: "seen", ids: [id(1), id(2)] }]);
  });
});

describe("again", () => {
  test("what its sender brought up anew is seen anew, in sight all the while", async () => {
    const it = await observing(1);
    page.show(it.elements[0], 100);
    await it.clock.advance(1_500);
    it.socket.push({ ...notification(1), stream_id: notification(2).stream_id, revision: 2 });
    await it.clock.advance(1_500);
    assert.deepEqual(it.marks(), Array(2).fill({ as: "seen", ids: [id(1)] }));
  });

  test("a mark that a lost connection may have lost is made once more", async () => {
    const it = await observing(1);
    page.show(it.elements[0], 100);
    await it.clock.advance(1_500);
    it.socket.end(1012);
    await it.clock.advance(1_000);
    it.socket.accept([notification(1)]);
    await it.clock.advance(1_500);
    assert.deepEqual(it.marks(), [{ as: "seen", ids: [id(1)] }]);
    assert.equal(it.sockets.length, 2);
  });

  test("a closed client watches nothing", async () => {
    const it = await observing(1);
    page.show(it.elements[0], 100);
    it.client.close();
    assert.equal(page.observed.size, 0);
    page.turn("visible");
    assert.equal(it.clock.pending, 0);
  });
});
