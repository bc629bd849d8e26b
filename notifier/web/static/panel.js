/** What every live panel shares: its age, its fault, and old data that stays while the server is away. */
import { byId, setOptional, setText } from "./dom.js";

export class Panel {
  #loadedAt = null;

  /** @param {string} name prefix of the ids `…-fault`, `…-age` and of the section itself */
  constructor(name) {
    this.section = byId(name);
    this.fault = byId(`${name}-fault`);
    this.age = byId(`${name}-age`);
  }

  /** Runs `load`; a failure is shown, and what is on the page stays. */
  async attempt(load) {
    try {
      await load();
      this.#loadedAt = new Date();
      this.#show("");
    } catch (error) {
      this.#show(error.message);
    }
  }

  #show(words) {
    const old = words !== "" && this.#loadedAt !== null;
    setOptional(this.fault, words);
    this.section.classList.toggle("stale", old);
    if (this.age) setText(this.age, old ? `as of ${clockTime(this.#loadedAt)}` : "");
  }
}

function clockTime(date) {
  return date.toLocaleTimeString("en-GB");
}
