/** How a notification looks, in the inbox and in the history. */
import { clone, setOptional, setText, slot } from "./dom.js";
import { setTime } from "./format.js";

/** A list item for a notification; what it says never changes, so it is filled once. */
export function createNote({ title, message, source, priority, url }) {
  const node = clone("note");
  setOptional(slot(node, "title"), title);
  setText(slot(node, "message"), message);
  setPriority(slot(node, "priority"), priority);
  setOptional(slot(node, "source"), source);
  setLink(slot(node, "link"), url);
  node.querySelector(".note-meta").hidden = ![...node.querySelectorAll(".note-meta > *")].some((part) => !part.hidden);
  return node;
}

/** Its state and its age; `item` as a client holds it, or as a row of the history. */
export function updateNote(node, item, createdAt) {
  node.dataset.status = stateOf(item);
  setBadge(slot(node, "badge"), node.dataset.status);
  setTime(slot(node, "time"), createdAt);
}

const BADGES = {
  unread: ["UNREAD", "unread"],
  read: ["READ", "read"],
  auto_cleared: ["EXPIRED", "cleared"],
  snoozed: ["SNOOZED", "waiting"],
};

function stateOf(item) {
  const later = ["archived", "acted"].find((state) => item[state] || item[`${state}_at`]);
  return item.snoozed_until ? "snoozed" : (later ?? item.status);
}

function setBadge(node, status) {
  const [text, look] = BADGES[status] ?? [String(status).toUpperCase(), "read"];
  setText(node, text);
  node.dataset.look = look;
}

/** High and low are worth a word; normal is what everything is. */
function setPriority(node, priority) {
  setOptional(node, priority === "high" || priority === "low" ? `${priority} priority` : "");
  node.dataset.look = priority ?? "";
}

/** Shows a link only where following it cannot run a script; other addresses appear as text. */
function setLink(node, address) {
  const url = address ? safeUrl(address) : null;
  if (url) node.href = url;
  else node.removeAttribute("href");
  setOptional(node, address);
}

function safeUrl(address) {
  try {
    const url = new URL(address, location.href);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null; // no address: shown as text
  }
}
