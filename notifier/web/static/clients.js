/** Connected clients, and the choice of some of them to send to. */
import { call } from "./api.js";
import { byId, clone, reconcile, setText, slot } from "./dom.js";
import { count, setTime } from "./format.js";
import { Panel } from "./panel.js";
import { Poller } from "./poller.js";
import { openHistory, showUser } from "./users.js";

const PAGE = 100;
const MOST = 1000;

const panel = new Panel("clients");
const selected = new Map();
let shown = [];
let limit = PAGE;

/** The users chosen, in the order of choosing; a user stays chosen while its client is away. */
export const selectedUsers = () => [...selected.values()];

export function unselect(user) {
  select(user, false);
}

function select(user, on) {
  if (on && selected.size < MOST) selected.set(showUser(user), user);
  else selected.delete(showUser(user));
  render();
  document.dispatchEvent(new CustomEvent("selection-changed"));
}

async function load() {
  const { clients, total, next_cursor: next } = await call(`api/v1/admin/clients?limit=${limit}`);
  shown = clients.map((row) => ({ ...row, user: { id: row.user_id, login: row.login } }));
  setText(byId("clients-total"), total > shown.length ? `${count(shown.length)} of ${count(total)}` : count(total));
  byId("clients-more").hidden = !next || limit >= MOST;
  render();
}

function render() {
  byId("clients-table").hidden = shown.length === 0;
  byId("clients-empty").hidden = shown.length > 0;
  reconcile(byId("clients-rows"), shown, { key: (row) => row.connection_id, create, update });
  const chosen = shown.filter((row) => selected.has(showUser(row.user))).length;
  byId("select-all").checked = chosen > 0 && chosen === shown.length;
  byId("select-all").indeterminate = chosen > 0 && chosen < shown.length;
}

function create({ user }) {
  const node = clone("client-row");
  const name = showUser(user);
  setText(slot(node, "user"), name);
  slot(node, "user").setAttribute("aria-label", `${name}: show history`);
  slot(node, "user").addEventListener("click", () => openHistory(user));
  slot(node, "tick").setAttribute("aria-label", `Select ${name}`);
  slot(node, "tick").addEventListener("change", (event) => select(user, event.target.checked));
  return node;
}

function update(node, row) {
  slot(node, "tick").checked = selected.has(showUser(row.user));
  setTime(slot(node, "since"), row.connected_at);
  setText(slot(node, "sent"), count(row.sent));
  setText(slot(node, "acked"), count(row.acked));
  setText(slot(node, "pod"), row.pod_id);
  setText(slot(node, "remote"), row.remote);
}

byId("select-all").addEventListener("change", (event) => {
  for (const { user } of shown) select(user, event.target.checked);
});

byId("clients-more").addEventListener("click", () => {
  limit = Math.min(MOST, limit + 300);
  clients.poke();
});

export const clients = new Poller(() => panel.attempt(load), 3_000, 15_000);
