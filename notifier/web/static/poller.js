/** Keeps one view fresh: at an interval, sooner when poked, never while the page is hidden. */

import { isRefused } from "./api.js";

const QUICK_MS = 200;
const SLOW_MS = 2_000; // events come in thousands: while they go on, the view follows ever more slowly
const REFUSED_MS = 60_000;

export class Poller {
  #timer = null;
  #running = false;
  #again = false;
  #live = false;
  #lastRun = -SLOW_MS;
  #gap = QUICK_MS;

  /**
   * @param {() => Promise<void>} task reports its own errors
   * @param {number} everyMs interval by itself
   * @param {number} liveMs interval while events say what changed
   */
  constructor(task, everyMs, liveMs = everyMs) {
    Object.assign(this, { task, everyMs, liveMs });
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.poke(); });
    document.addEventListener("token-changed", () => this.poke());
  }

  start() {
    return this.#run();
  }

  setLive(live) {
    if (live === this.#live) return;
    this.#live = live;
    this.poke();
  }

  /** Something changed: look soon. */
  poke() {
    if (this.#running) this.#again = true;
    else this.#planSoon();
  }

  #planSoon() {
    this.#plan(Math.max(0, this.#lastRun + this.#gap - performance.now()));
  }

  #plan(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), ms);
  }

  async #run() {
    if (document.hidden || this.#running) return;
    const sinceLast = performance.now() - this.#lastRun;
    this.#gap = sinceLast < this.#gap * 2 ? Math.min(SLOW_MS, this.#gap * 1.5) : QUICK_MS;
    this.#lastRun += sinceLast;
    this.#running = true;
    await this.task();
    this.#running = false;
    const soon = this.#again;
    this.#again = false;
    if (soon) this.#planSoon();
    else this.#plan(this.#interval());
  }

  #interval() {
    if (isRefused()) return REFUSED_MS;
    return this.#live ? this.liveMs : this.everyMs;
  }
}
