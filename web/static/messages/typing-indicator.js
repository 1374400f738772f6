// The typing indicator of the open room: shows who is typing, and tells the room when the user is.

import { byId, joinNames } from "../lib/dom.js";

const SHOWN_MS = 5000;
const REPEAT_MS = 3000;
const MAX_NAMES = 3;

export class TypingIndicator {
  #parley;
  #timers = new Map(); // by user: hides the name unless it is renewed
  #toldAt = 0;

  constructor(parley, room) {
    [this.#parley, this.room] = [parley, room];
    this.#show();
  }

  /** Tells the room that the user is typing, at most every few seconds. */
  tell() {
    if (Date.now() - this.#toldAt < REPEAT_MS) return;
    this.#toldAt = Date.now();
    this.#parley.typing(this.room).catch(() => {}); // best effort
  }

  /** The message is sent: the next keystroke tells the room again. */
  sent() {
    this.#toldAt = 0;
  }

  started(user) {
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
    const text = users.length ? `${joinNames(users, MAX_NAMES)} ${verb} typing …` : "";
    byId("typing-indicator").textContent = text;
  }
}
