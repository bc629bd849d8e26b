/** One user's notifications, newest first, with their state. */
import { call } from "./api.js";
import { byId, reconcile, setOptional, setText, slot } from "./dom.js";
import { count } from "./format.js";
import { createNote, updateNote } from "./notes.js";
import { Panel } from "./panel.js";
import { Poller } from "./poller.js";
import { parseUser, showUser } from "./users.js";

const INVITATION = "Choose a user above, or type an id and login, such as 1:test_user.";

const panel = new Panel("history");
let user = null;

async function load() {
  if (!user) return render([], 0, INVITATION);
  const asked = user;
  const query = new URLSearchParams({ user_id: String(asked.id), login: asked.login, limit: "100" });
  const { notifications, total } = await find(query);
  if (asked !== user) return undefined;
  return render(notifications, total, `${showUser(asked)} has no notifications.`);
}

/** A user nobody has written to yet is no error here. */
async function find(query) {
  try {
    return await call(`api/v1/admin/history?${query}`);
  } catch (error) {
    if (error.status === 404) return { notifications: [], total: 0 };
    throw error;
  }
}

function render(rows, total, emptyWords) {
  const more = total > rows.length ? `${count(rows.length)} of ${count(total)}` : count(total);
  setText(byId("history-total"), user ? more : "");
  byId("history-empty").hidden = rows.length > 0;
  setText(slot(byId("history-empty"), "words"), emptyWords);
  reconcile(byId("history-rows"), rows, { key: (row) => row.id, create, update });
}

function create({ id, payload }) {
  const node = createNote(payload);
  setOptional(slot(node, "stream"), id);
  return node;
}

function update(node, row) {
  updateNote(node, row, row.payload.created_at);
}

function show(next) {
  user = next;
  byId("history-user").value = showUser(next);
  setOptional(byId("history-error"), "");
  byId("history-rows").replaceChildren();
  history.poke();
}

/** Whether an event is about the user shown. */
export function concernsHistory({ user_id: id, login }) {
  return user !== null && Number(id) === user.id && login === user.login;
}

byId("history-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const next = parseUser(byId("history-user").value.trim());
  if (next) show(next);
  else setOptional(byId("history-error"), "Write id:login, such as 1:test_user");
});

document.addEventListener("show-history", ({ detail }) => {
  show(detail);
  panel.section.scrollIntoView({ block: "start" });
  panel.section.focus({ preventScroll: true });
});

export const history = new Poller(() => panel.attempt(load), 5_000, 15_000);
