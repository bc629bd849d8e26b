/** Joins the parts of the page: events say which view to refresh. */
import { startAccess } from "./access.js";
import { clients } from "./clients.js";
import { counters } from "./counters.js";
import { deliveries } from "./deliveries.js";
import { byId, setLamp } from "./dom.js";
import { listen } from "./events.js";
import { tickTimes } from "./format.js";
import { concernsHistory, history } from "./history.js";
import { startInbox } from "./inbox.js";
import { pending } from "./pending.js";
import { problems } from "./problems.js";
import "./send.js";

const views = [problems, counters, clients, pending, deliveries, history];

function onEvent(event) {
  const kind = event.type.split(".")[0];
  if (kind === "delivery") deliveries.poke();
  else counters.poke();
  if (kind === "client") clients.poke();
  if (kind === "notification") pending.poke();
  if (kind === "notification" && concernsHistory(event)) history.poke();
}

function onState(live, error) {
  for (const view of views) view.setLive(live);
  const refused = error?.status === 401 || error?.status === 403;
  if (live) setLamp(byId("feed"), "on", "Live");
  else if (refused) setLamp(byId("feed"), "bad", "No access");
  else setLamp(byId("feed"), "wait", error?.status ? "Refreshing every 3 s" : "Server away, trying again");
}

startAccess();
startInbox();
for (const view of views) view.start();
setInterval(tickTimes, 10_000);
listen(onEvent, onState);
