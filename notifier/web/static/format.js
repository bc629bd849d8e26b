/** Numbers and times for people. */

const whole = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const absolute = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** 9,999 in full, 12.3K above; a dash for what is not known. */
export function count(value) {
  if (typeof value !== "number") return "–";
  return value < 10_000 ? whole.format(value) : compact.format(value);
}

/** `1 user`, `2 users`. */
export function plural(value, noun) {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

export function milliseconds(value) {
  if (typeof value !== "number") return "–";
  return value < 10 ? value.toFixed(1) : whole.format(Math.round(value));
}

const UNITS = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];

/** `12 s`, `3 min`, `2 h`, `5 d`. */
export function duration(seconds) {
  const [size, unit] = UNITS.find(([limit]) => seconds >= limit) ?? UNITS.at(-1);
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** Shows a time as its age, the full time as its title. Clocks differ: a time slightly ahead is `just now`. */
export function setTime(node, iso) {
  const at = new Date(iso ?? NaN);
  if (Number.isNaN(at.getTime())) {
    node.textContent = "";
    return;
  }
  if (node.dateTime !== iso) {
    node.dateTime = iso;
    node.title = absolute.format(at);
  }
  showAge(node, at);
}

function showAge(node, at) {
  const seconds = (Date.now() - at.getTime()) / 1000;
  const near = seconds >= -120 && seconds < 7 * 86_400;
  const text = !near ? absolute.format(at) : seconds < 5 ? "just now" : `${duration(seconds)} ago`;
  if (node.textContent !== text) node.textContent = text;
}

/** Lets all ages on the page grow. */
export function tickTimes() {
  for (const node of document.querySelectorAll("time[datetime]")) showAge(node, new Date(node.dateTime));
}
