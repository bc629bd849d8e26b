/** The row of figures on top. */
import { call } from "./api.js";
import { byId, setText } from "./dom.js";
import { count, duration, milliseconds, plural } from "./format.js";
import { Panel } from "./panel.js";
import { Poller } from "./poller.js";

const RATED = ["sent", "pushed", "acked"];

const panel = new Panel("counters");
const root = byId("figures");
let before = null;

async function load() {
  const metrics = await call("api/v1/metrics");
  for (const name of ["connections", "pending", "auto_cleared", ...RATED]) show("counter", name, count(metrics[name]));
  const { p50, p95, p99 } = (metrics.pushed && metrics.latency_ms) || {};
  show("counter", "latency", typeof p50 === "number" ? `${milliseconds(p50)} ms` : "–");
  show("sub", "latency", typeof p95 === "number" ? `p95 ${milliseconds(p95)}, p99 ${milliseconds(p99)} ms` : "nothing pushed yet");
  show("sub", "users", typeof metrics.users === "number" ? `of ${plural(metrics.users, "known user")}` : "");
  show("sub", "trimmed", metrics.trimmed ? `${count(metrics.trimmed)} more trimmed` : "");
  showRates(metrics);
  showAbout(metrics);
}

function show(kind, name, text) {
  setText(root.querySelector(`[data-${kind}=${name}]`), text);
}

function showRates(metrics) {
  const at = performance.now();
  const seconds = before ? (at - before.at) / 1000 : 0;
  for (const name of RATED) {
    const grown = before ? metrics[name] - before.metrics[name] : 0;
    const rate = grown > 0 && seconds > 0 ? grown / seconds : 0;
    show("rate", name, rate > 0 ? `+${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))} a second` : "");
  }
  before = { at, metrics };
}

function showAbout({ version, pod_id: pod, pods, uptime_s: uptime }) {
  const parts = [version && `notifier ${version}`, pod && `instance ${pod}`, pods > 1 && `of ${pods}`];
  if (typeof uptime === "number") parts.push(`up ${duration(uptime)}`);
  setText(byId("about"), parts.filter(Boolean).join(", "));
}

export const counters = new Poller(() => panel.attempt(load), 3_000);
