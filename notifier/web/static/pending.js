/** What waits to be read, by user. */
import { call } from "./api.js";
import { byId, clone, reconcile, setOptional, setText, slot } from "./dom.js";
import { count, plural, setTime } from "./format.js";
import { Panel } from "./panel.js";
import { Poller } from "./poller.js";
import { fromKey, openHistory, showUser } from "./users.js";

const PAGE = 100;
const MOST = 1000;
const LINES = 5;

const panel = new Panel("pending");
let limit = PAGE;

async function load() {
  const answer = await call(`api/v1/admin/pending?limit=${limit}`);
  const groups = Object.entries(answer.pending_notifications).map(([key, entries]) => ({ key, entries }));
  const users = answer.users_with_pending;
  setText(byId("pending-total"), users ? `${count(answer.total_pending)} for ${plural(users, "user")}` : "0");
  byId("pending-empty").hidden = groups.length > 0;
  byId("pending-more").hidden = !answer.next_cursor || limit >= MOST;
  reconcile(byId("pending-groups"), groups, { key: (group) => group.key, create: createGroup, update: updateGroup });
}

function createGroup({ key }) {
  const node = clone("pending-group");
  const user = fromKey(key);
  setText(slot(node, "user"), showUser(user));
  slot(node, "user").setAttribute("aria-label", `${showUser(user)}: show history`);
  slot(node, "user").addEventListener("click", () => openHistory(user));
  return node;
}

function updateGroup(node, { entries }) {
  const newest = entries.slice(-LINES).reverse();
  setText(slot(node, "count"), count(entries.length));
  setOptional(slot(node, "rest"), entries.length > LINES ? `and ${count(entries.length - LINES)} older` : "");
  reconcile(slot(node, "lines"), newest, { key: (entry) => entry.id, create: createLine, update: updateLine });
}

function createLine({ payload }) {
  const node = clone("pending-line");
  setText(slot(node, "text"), payload.title || payload.message);
  setText(slot(node, "source"), payload.source ?? "");
  return node;
}

function updateLine(node, { payload }) {
  setTime(slot(node, "time"), payload.created_at);
}

byId("pending-more").addEventListener("click", () => {
  limit = Math.min(MOST, limit + 300);
  pending.poke();
});

export const pending = new Poller(() => panel.attempt(load), 5_000, 15_000);
