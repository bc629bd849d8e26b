/** The inbox of one user: what a page of an integrator does with `notifier-client.js`. */
import { byId, reconcile, setLamp, setOptional, setText, slot } from "./dom.js";
import { count, plural } from "./format.js";
import { createNote, updateNote } from "./notes.js";
import { NotifierClient } from "./notifier-client.js";
import { parseUser } from "./users.js";

const AUTO_ACK_MS = 2_000;
const SHOWN = 100;
const ANNOUNCE_MS = 700;
const TOKEN_KEY = "notifier.user-token";

let client = null;
let countdown = null;
let fresh = [];

function connect() {
  const user = parseUser(`${byId("inbox-id").value.trim()}:${byId("inbox-login").value.trim()}`);
  setOptional(byId("inbox-error"), user ? "" : "Give an id (a whole number from 1) and a login.");
  if (!user) return byId(Number(byId("inbox-id").value) >= 1 ? "inbox-login" : "inbox-id").focus();
  client = new NotifierClient({
    userId: user.id,
    login: user.login,
    token: () => userToken(),
    autoAckMs: byId("auto-ack").checked ? AUTO_ACK_MS : null,
  });
  client.addEventListener("state", ({ detail }) => showState(detail));
  client.addEventListener("change", render);
  client.addEventListener("push", ({ detail }) => announce(detail));
  client.addEventListener("retention", ({ detail }) => { byId("retention").value = String(detail.days); });
  client.addEventListener("error", ({ detail }) => setOptional(byId("inbox-fault"), `The server answered: ${detail.message} (${detail.code})`));
  client.connect();
  return render();
}

function disconnect() {
  client.close();
  client = null;
  setOptional(byId("inbox-fault"), "");
  byId("retention").value = "";
  showState({ state: "idle" });
  render();
}

function userToken() {
  return byId("inbox-token").value.trim() || null;
}

// -- the connection in words

const ENDED = {
  1008: "Closed by the server: a rule was broken. Not trying again.",
  4401: "The token has expired. Enter a new one and connect.",
  4403: "The token belongs to another user.",
};
const LOST = { 1012: "The server restarts", 1013: "The server is busy" };

function showState(detail) {
  clearInterval(countdown);
  showCountdown(0);
  const { state } = detail;
  if (state === "waiting") return showWaiting(detail);
  const [lamp, words] = {
    idle: ["off", "Not connected"],
    connecting: ["wait", "Connecting…"],
    syncing: ["wait", "Fetching what was missed…"],
    online: ["on", "Connected"],
    stopped: ["bad", ENDED[detail.code] ?? "Could not connect. Check the token."],
  }[state];
  setLamp(byId("inbox-state"), lamp, words);
  if (state === "online") setOptional(byId("inbox-fault"), "");
  return showControls();
}

/** Counts down for the eye; a screen reader hears the sentence once. */
function showWaiting({ retryInMs, code, opened }) {
  const why = LOST[code] ?? (opened ? "Connection lost" : "No connection: server away, or user or token refused");
  setLamp(byId("inbox-state"), "wait", `${why}. Trying again`);
  const until = performance.now() + retryInMs;
  const tick = () => showCountdown(Math.ceil((until - performance.now()) / 1000));
  tick();
  countdown = setInterval(tick, 1000);
  showControls();
}

function showCountdown(seconds) {
  setText(slot(byId("inbox-state"), "countdown"), seconds > 0 ? `in ${seconds} s` : "");
}

function showControls() {
  const active = client !== null && client.state !== "stopped";
  byId("inbox-tools").hidden = client === null;
  setText(byId("inbox-connect"), active ? "Disconnect" : "Connect");
  byId("inbox-connect").classList.toggle("primary", !active);
  for (const id of ["inbox-id", "inbox-login", "inbox-token"]) byId(id).readOnly = active;
}

// -- the list

function render() {
  const items = client ? client.notifications : [];
  reconcile(byId("messages"), items.slice(0, SHOWN), { key: (item) => item.notification_id, create, update });
  byId("inbox-empty").hidden = items.length > 0;
  showEmptyWords();
  const unread = client ? client.unread : 0;
  setOptional(byId("inbox-unread"), client ? `${count(unread)} unread` : "");
  const unseen = client?.counts?.unseen;
  setOptional(byId("inbox-unseen"), unseen ? `${count(unseen)} new` : "");
  byId("read-all").disabled = unread === 0;
  document.title = unread ? `(${count(unread)}) notifier` : "notifier";
}

function showEmptyWords() {
  const [strong, rest] = client
    ? ["No notifications yet.", " What is sent to this user appears here at once."]
    : ["Be a user.", " Connect with an id and a login, then send to it from the form. Open a second tab to see both agree on what is read."];
  const paragraph = byId("inbox-empty").querySelector("p");
  if (paragraph.dataset.strong === strong) return;
  paragraph.dataset.strong = strong;
  paragraph.replaceChildren(Object.assign(document.createElement("strong"), { textContent: strong }), rest);
}

function create(item) {
  const node = createNote(item);
  slot(node, "read").addEventListener("click", () => {
    client.markRead(item.notification_id);
    (nextUnread(node) ?? byId("messages")).focus();
  });
  for (const name of ["archive", "snooze"]) slot(node, name).addEventListener("click", (event) => change(event.target, item.notification_id));
  client.observe(node, item.notification_id);
  return node;
}

/** Does what a button says. */
function change({ textContent: action }, id) {
  if (action === "Archive" || action === "Unarchive") return client.mark(`${action.toLowerCase()}d`, { ids: [id] });
  const call = action === "Snooze 1 h" ? client.snooze(id, { for: "1h" }) : client.unsnooze(id);
  return call.catch((error) => setOptional(byId("inbox-fault"), error.message));
}

/** Where the keyboard goes on after one is read. */
function nextUnread(node) {
  const buttons = [...byId("messages").querySelectorAll("[data-slot=read]")].filter((button) => !button.hidden && !node.contains(button));
  return buttons.find((button) => node.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING) ?? buttons[0];
}

function update(node, item) {
  updateNote(node, item, item.created_at);
  const { status: state } = node.dataset;
  const [archive, snooze] = { auto_cleared: [], archived: ["Unarchive"], snoozed: ["", "Bring back"] }[state] ?? ["Archive", "Snooze 1 h"];
  label(node, item, "read", state === "unread" ? "Mark read" : "");
  label(node, item, "archive", archive);
  label(node, item, "snooze", snooze);
}

/** A button's words; without any it is not there. */
function label(node, { title, message }, name, words) {
  setOptional(slot(node, name), words);
  slot(node, name).setAttribute("aria-label", `${words}: ${(title || message).slice(0, 60)}`);
}

/** Speaks what came live; a burst is one sentence. */
function announce({ notification, live }) {
  if (!live) return;
  fresh.push(notification);
  if (fresh.length === 1) setTimeout(speak, ANNOUNCE_MS);
}

function speak() {
  const [first] = fresh;
  const words = fresh.length === 1 ? `New notification: ${first.title || first.message}` : `${plural(fresh.length, "new notification")}`;
  setText(byId("announcer"), words.slice(0, 200));
  fresh = [];
}

// -- the controls

function keepToken() {
  try {
    sessionStorage.setItem(TOKEN_KEY, byId("inbox-token").value);
  } catch (error) {
    console.info("the user token is not kept over a reload:", error.message);
  }
}

function restoreToken() {
  try {
    byId("inbox-token").value = sessionStorage.getItem(TOKEN_KEY) ?? "";
  } catch {
    byId("inbox-token").value = ""; // storage is forbidden here: it is typed again after a reload
  }
}

export function startInbox() {
  const days = Array.from({ length: 15 }, (_, index) => new Option(plural(index + 1, "day"), String(index + 1)));
  byId("retention").append(...days);
  restoreToken();
  byId("inbox-token").addEventListener("change", keepToken);
  byId("inbox-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (client && client.state !== "stopped") disconnect();
    else connect();
  });
  byId("read-all").addEventListener("click", () => {
    client.markAllRead();
    byId("messages").focus();
  });
  byId("auto-ack").addEventListener("change", (event) => { client.autoAckMs = event.target.checked ? AUTO_ACK_MS : null; });
  byId("retention").addEventListener("change", (event) => { if (event.target.value) client.setRetention(Number(event.target.value)); });
}
