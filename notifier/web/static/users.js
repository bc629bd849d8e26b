/** A user on the page: `id:login` as people type it, `id-login` as the server keys it. */

/** @returns {{id: number, login: string} | null} */
export function parseUser(text) {
  const match = /^([1-9]\d*):(.+)$/su.exec(text);
  if (!match || !Number.isSafeInteger(Number(match[1]))) return null;
  return { id: Number(match[1]), login: match[2] };
}

/** What is not in the form `id:login` comes back in `bad`. */
export function parseUsers(text) {
  const words = text.split(/[\s,;]+/u).filter(Boolean);
  const users = words.map(parseUser);
  return { users: users.filter(Boolean), bad: words.filter((_, index) => !users[index]) };
}

/** The user whose key is `1-alice`. */
export function fromKey(key) {
  const dash = key.indexOf("-");
  return { id: Number(key.slice(0, dash)), login: key.slice(dash + 1) };
}

export const showUser = ({ id, login }) => `${id}:${login}`;

/** Asks the page to show a user's history. */
export function openHistory(user) {
  document.dispatchEvent(new CustomEvent("show-history", { detail: user }));
}
