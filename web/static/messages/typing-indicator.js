// Who is typing in the open room, and saying that I am.

import { element, namesOf } from "../lib/dom.js";

const SHOWN_MS = 5000;
const AGAIN_MS = 3000;
const NAMED = 3;

export class Typing {
  #parley;
  #timers = new Map();
  #said = 0;

  constructor(parley, room) {
    [this.#parley, this.room] = [parley, room];
    this.#show();
  }

  /** I am: told at most every few seconds. */
  say() {
    if (Date.now() - this.#said < AGAIN_MS) return;
    this.#said = Date.now();
    this.#parley.typing(this.room).catch(() => {}); // whoever misses it misses it
  }

  /** What I typed is sent: the next letter tells again. */
  sent() {
    this.#said = 0;
  }

  heard(user) {
    clearTimeout(this.#timers.get(user));
    this.#timers.set(user, setTimeout(() => this.stopped(user), SHOWN_MS));
    this.#show();
  }

  stopped(user) {
    clearTimeout(this.#timers.get(user));
    if (this.#timers.delete(user)) this.#show();
  }

  close() {
    this.#timers.forEach(clearTimeout);
    this.#timers.clear();
    this.#show();
  }

  #show() {
    const users = [...this.#timers.keys()];
    const verb = users.length === 1 ? "is" : "are";
    element("typing").textContent = users.length ? `${namesOf(users, NAMED)} ${verb} typing …` : "";
  }
}
