/** The newest deliveries, on their way through providers, with what became of them. */
import { call } from "./api.js";
import { byId, clone, reconcile, setText, slot } from "./dom.js";
import { count, setTime } from "./format.js";
import { Panel } from "./panel.js";
import { Poller } from "./poller.js";

const SHOWN = 20;
const LOOKS = { sent: "sent", failed: "failed", retrying: "retrying", expired: "cleared", cancelled: "cleared" };

/** What the page follows of them. */
export const DELIVERY_TYPES = ["scheduled", "queued", "processing", "retrying", "sent", "failed", "cancelled", "expired"]
  .map((status) => `delivery.${status}`);

const panel = new Panel("deliveries");

async function load() {
  const { notifications, total } = await call(`api/v1/notifications?limit=${SHOWN}`);
  setText(byId("deliveries-total"), total > notifications.length ? `${count(notifications.length)} of ${count(total)}` : count(total));
  byId("deliveries-table").hidden = notifications.length === 0;
  byId("deliveries-empty").hidden = notifications.length > 0;
  reconcile(byId("deliveries-rows"), notifications, { key: (row) => row.id, create, update });
}

function create({ id, channel, recipient, user_id: user, content, created_at: createdAt }) {
  const node = clone("delivery-row");
  node.title = id;
  setText(slot(node, "channel"), channel);
  setText(slot(node, "recipient"), recipient || user || "–");
  setText(slot(node, "content"), content);
  setTime(slot(node, "time"), createdAt);
  return node;
}

function update(node, { status, error, provider, retry_count: retries }) {
  const badge = slot(node, "status");
  setText(badge, String(status).toUpperCase());
  badge.dataset.look = LOOKS[status] ?? "waiting";
  const tries = retries ? `${count(retries)} ${retries === 1 ? "retry" : "retries"}` : "";
  setText(slot(node, "result"), [error, provider && `by ${provider}`, tries].filter(Boolean).join(", "));
}

export const deliveries = new Poller(() => panel.attempt(load), 5_000, 15_000);
