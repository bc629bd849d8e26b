/** The form that sends: by hand, to chosen clients, to everyone connected. */
import { ApiError, call } from "./api.js";
import { selectedUsers, unselect } from "./clients.js";
import { byId, clone, reconcile, setOptional, setText, slot } from "./dom.js";
import { count, plural } from "./format.js";
import { parseUsers, showUser } from "./users.js";

const LONGEST = 8192;
const FIELDS = ["message", "title", "source", "priority", "url"];
const IN_FORM = { target: "recipients" };

const form = byId("send-form");
const to = () => form.elements.to.value;
let attempt = { body: "", key: "" };

/** What the form says, with the users it is for; empty options are left out. */
function read() {
  const content = {};
  for (const name of FIELDS) {
    const { value } = form.elements[name];
    if (name === "message" || value.trim()) content[name] = value;
  }
  if (to() === "all") return { path: "api/v1/admin/broadcast", content };
  const target = to() === "selected" ? selectedUsers() : handWritten();
  return { path: "api/v1/notify", content: { target, ...content } };
}

function handWritten() {
  const { users, bad } = parseUsers(form.elements.recipients.value);
  if (bad.length) throw fieldError("target", `${bad[0]} is not in the form id:login, such as 1:alice`);
  if (!users.length) throw fieldError("target", "Name at least one recipient, such as 1:alice");
  return users;
}

function check({ content }) {
  if (content.target?.length === 0) throw new ApiError("Tick at least one client in the table of connected clients.");
  if (!content.message.trim()) throw fieldError("message", "Write a message");
}

function fieldError(path, message) {
  return new ApiError("", { status: 422, fields: [{ path, message }] });
}

/** The same words sent again after a failure carry the same key, so that nobody gets them twice. */
function keyFor(request) {
  const body = JSON.stringify(request);
  if (attempt.body !== body) attempt = { body, key: randomKey() };
  return attempt.key;
}

function randomKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send() {
  clearErrors();
  say("Sending…", "busy");
  byId("send-button").disabled = true;
  try {
    const request = read();
    check(request);
    const headers = { "Idempotency-Key": keyFor(request) };
    succeed(await call(request.path, { method: "POST", body: request.content, headers }));
  } catch (error) {
    fail(error);
  }
  byId("send-button").disabled = false;
}

function succeed({ results, accepted }) {
  attempt = { body: "", key: "" };
  const number = results ? results.length : accepted;
  const words = number === 0 ? "Nobody is connected: nothing was sent." : `Accepted for ${plural(number, "user")}.`;
  say(words, number === 0 ? "warn" : "good");
  form.elements.message.value = "";
  countMessage();
  form.elements.message.focus();
}

function fail(error) {
  const loose = error.fields?.filter((field) => !showAtField(field)) ?? [];
  const places = (error.fields?.length ?? 0) - loose.length;
  const words = [places ? "Not sent: see above." : error.message, ...loose.map(({ path, message }) => `${path}: ${message}`)];
  say(words.join(" "), "bad");
  form.querySelector("[aria-invalid=true]")?.focus();
}

/** Puts the server's words at the field they are about; false when the form has no such field in sight. */
function showAtField({ path, message }) {
  const [, name, index] = /^(\w+)(?:\[(\d+)\])?/.exec(path) ?? [];
  const input = form.elements[IN_FORM[name] ?? name];
  if (!(input instanceof HTMLElement) || input.closest("[hidden]")) return false;
  const user = index === undefined ? undefined : parseUsers(form.elements.recipients.value).users[Number(index)];
  const words = user ? `${showUser(user)}: ${path.split(".")[1] ?? "value"} ${message}` : message;
  const note = byId(`${input.id}-error`);
  setOptional(note, note.textContent ? `${note.textContent}; ${words}` : words);
  input.setAttribute("aria-invalid", "true");
  return true;
}

function clearErrors() {
  for (const note of form.querySelectorAll(".error")) setOptional(note, "");
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

function say(words, look) {
  setText(byId("send-result"), words);
  byId("send-result").dataset.look = look;
}

function countMessage() {
  const left = LONGEST - [...form.elements.message.value].length;
  setText(byId("message-count"), left < 1000 ? `${count(Math.abs(left))} characters ${left < 0 ? "too many" : "left"}` : "");
}

function showRecipients() {
  byId("recipients-field").hidden = to() !== "hand";
  byId("selected-field").hidden = to() !== "selected";
}

function showSelection() {
  const users = selectedUsers();
  setText(slot(form, "selected-count"), count(users.length));
  byId("selected-hint").hidden = users.length > 0;
  reconcile(byId("selected-list"), users, { key: showUser, create: createChip, update: () => {} });
}

function createChip(user) {
  const node = clone("chip");
  setText(slot(node, "user"), showUser(user));
  slot(node, "remove").setAttribute("aria-label", `Remove ${showUser(user)}`);
  slot(node, "remove").addEventListener("click", () => {
    unselect(user);
    (byId("selected-list").querySelector("button") ?? form.elements.message).focus();
  });
  return node;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!byId("send-button").disabled) send();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
form.elements.message.addEventListener("input", countMessage);
for (const radio of form.elements.to) radio.addEventListener("change", showRecipients);
document.addEventListener("selection-changed", () => {
  showSelection();
  if (selectedUsers().length && to() === "hand") form.querySelector("input[value=selected]").click();
});
showRecipients();
