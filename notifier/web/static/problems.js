/** What is wrong now, worst first, as `/health` says it: open to everybody, and answered while Redis is away too. */
import { request } from "./api.js";
import { byId, reconcile, setText } from "./dom.js";
import { Poller } from "./poller.js";

const root = byId("problems");

async function load() {
  const told = await ask();
  if (told === null) return; // the lamp says that the server is away; what was wrong before may still be
  const faults = told.filter(({ severity }) => severity !== "notice");
  reconcile(root, faults.map((fault, at) => ({ ...fault, at })), { key: ({ at }) => at, create, update });
  root.hidden = faults.length === 0;
}

/** The problems, or null where nobody answers. */
async function ask() {
  try {
    const response = await request("health");
    return (await response.json()).problems ?? [];
  } catch {
    return null;
  }
}

const create = () => document.createElement("li");

function update(node, { severity, text }) {
  node.dataset.severity = severity;
  setText(node, text);
}

export const problems = new Poller(load, 3_000);
