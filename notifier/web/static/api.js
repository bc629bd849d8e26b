/** HTTP calls to the server that this page came from. */

const TOKEN_KEY = "notifier.token";
const root = new URL(".", document.baseURI); // the page may live below a prefix of a proxy
let token = readToken();
let refused = false;

function readToken() {
  try {
    return sessionStorage.getItem(TOKEN_KEY) ?? "";
  } catch {
    return ""; // storage is forbidden here: the token lasts as long as the page
  }
}

export const hasToken = () => token !== "";

/** Whether the server refused the token in use: asking on and on would be useless. */
export const isRefused = () => refused;

/** Uses a token from now on; an empty one forgets it. */
export function setToken(value) {
  token = value.trim();
  refused = false;
  try {
    if (token) sessionStorage.setItem(TOKEN_KEY, token);
    else sessionStorage.removeItem(TOKEN_KEY);
  } catch (error) {
    console.info("the token is not kept over a reload:", error.message);
  }
  document.dispatchEvent(new CustomEvent("token-changed"));
}

/** A call that failed: `message` says why in a sentence, `fields` holds the server's [{path, message}]. */
export class ApiError extends Error {
  constructor(message, { status = 0, fields = [] } = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

/** Calls and answers the decoded JSON, or null where there is no body. Raises `ApiError`. */
export async function call(path, { method = "GET", body, headers = {}, signal } = {}) {
  const options = { method, signal, headers: { ...headers } };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  const response = await request(path, options);
  if (!response.ok) throw await explain(response);
  return response.status === 204 ? null : response.json();
}

/** The raw response, with the token in its header. Raises `ApiError` when the server cannot be reached. */
export async function request(path, { headers = {}, ...options } = {}) {
  const authorization = token ? { Authorization: `Bearer ${token}` } : {};
  try {
    return await fetch(new URL(path, root), { cache: "no-store", ...options, headers: { ...headers, ...authorization } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached.");
  }
}

/** The error behind an answer that is no success; tells the page when a token is missing. */
export async function explain(response) {
  const problem = await readProblem(response);
  const { status } = response;
  if (status === 401 || status === 403) {
    refused = true;
    document.dispatchEvent(new CustomEvent("access-refused", { detail: { status, hasToken: hasToken() } }));
  }
  return new ApiError(sentence(status, problem, response.headers.get("Retry-After")), {
    status,
    fields: Array.isArray(problem.errors) ? problem.errors : [],
  });
}

async function readProblem(response) {
  try {
    return (await response.json()) ?? {};
  } catch {
    return {}; // a proxy's error page: the status has to do
  }
}

function sentence(status, { detail, title }, retryAfter) {
  // Something in between may send a date, or nonsense: only seconds are worth telling.
  const wait = /^\d{1,5}$/.test(retryAfter ?? "") ? ` Try again in ${retryAfter} s.` : "";
  const known = {
    401: "The server wants a valid token.",
    403: "This token may not do that.",
    429: `Too many requests.${wait}`,
    503: `The server's store is not available.${wait}`,
  };
  return known[status] ?? `${detail || title || "The server refused"} (${status}).`;
}
