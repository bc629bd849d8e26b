/** The token for the server's API: asked for when the server wants one, kept for this tab only. */
import { hasToken, setToken } from "./api.js";
import { byId, setText, slot } from "./dom.js";

const dialog = byId("access");

function open() {
  byId("access-token").value = "";
  dialog.showModal();
}

function showPresence() {
  byId("has-token").hidden = !hasToken();
}

function refused({ detail }) {
  const words = detail.hasToken ? "The server refuses this token, or it lacks the scope admin." : "This server wants a token (AUTH_MODE=token).";
  setText(slot(byId("banner"), "words"), words);
  byId("banner").hidden = false;
}

export function startAccess() {
  byId("open-access").addEventListener("click", open);
  byId("banner-action").addEventListener("click", open);
  byId("access-cancel").addEventListener("click", () => dialog.close());
  byId("access-form").addEventListener("submit", (event) => {
    event.preventDefault();
    byId("banner").hidden = true;
    setToken(event.submitter?.value === "forget" ? "" : byId("access-token").value);
    dialog.close();
  });
  document.addEventListener("access-refused", refused);
  document.addEventListener("token-changed", showPresence);
  showPresence();
}
