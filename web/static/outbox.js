// What this person has written and the page has not yet got back from the room. Sent one after
// another, so that the room gets it in the order it was written in; kept over a reload.

import { backoff, mayPass, newId } from "./parley.js";

const UNANSWERED_MS = 10_000;

export class Outbox {
  #items = [];
  #busy = false;
  #failures = 0;
  #timer = 0;

  /** `send(item)` is one attempt; `changed(item)` is called for each new state of an
   *  item: "sending", "waiting", "sent" (with `seq`), "held", "refused" (with `why`), "done". */
  constructor(key, send, changed) {
    this.key = key;
    this.send = send;
    this.changed = changed;
  }

  /** Take up what an earlier load of this page left behind. */
  restore() {
    const left = JSON.parse(sessionStorage.getItem(this.key) ?? "[]");
    this.#items = left.filter(({ state }) => state !== "sent");
    // Perhaps somebody has looked meanwhile: asking again tells.
    this.#items.forEach((item) => item.state === "held" && (item.state = "sending"));
    this.#items.forEach(this.changed);
    this.#next();
  }

  get items() {
    return [...this.#items];
  }

  /** `more`: reply_to, thread. */
  add(text, more = {}) {
    const item = { clientId: newId(), text, more, at_ms: Date.now() };
    this.#items.push(item);
    this.#set(item, "sending");
    this.#next();
  }

  /** This one is over: the page has it from the room, or its writer threw it away. */
  settle(clientId) {
    const item = this.#items.find((other) => other.clientId === clientId);
    if (!item) return;
    this.#items = this.#items.filter((other) => other !== item);
    this.#set(item, "done");
    this.retry();
  }

  /** A moderator has not let it in. */
  refuse(clientId, why) {
    const item = this.#items.find((other) => other.clientId === clientId);
    if (item) this.#set(item, "refused", { why });
  }

  /** Try now rather than when the wait is over. */
  retry = () => {
    clearTimeout(this.#timer);
    this.#next();
  };

  async #next() {
    const item = this.#items.find(({ state }) => state === "sending" || state === "waiting");
    if (!item || this.#busy) return;
    this.#busy = true;
    const wait = await this.#attempt(item);
    this.#busy = false;
    clearTimeout(this.#timer);
    if (wait) this.#timer = setTimeout(() => this.#next(), wait);
    else this.#next();
  }

  // The milliseconds until the next attempt; 0: this one is over.
  async #attempt(item) {
    this.#set(item, "sending");
    try {
      const answer = await this.send(item);
      this.#failures = 0;
      if (answer.status === "held") {
        this.#set(item, "held");
        return 0;
      }
      // Without a number (202) it is accepted: the stream brings it, or asking again.
      if (!answer.seq) return UNANSWERED_MS;
      this.#set(item, "sent", { seq: answer.seq });
    } catch (error) {
      if (mayPass(error)) {
        this.#set(item, "waiting");
        return backoff(this.#failures++);
      }
      this.#set(item, "refused", { why: error.message });
    }
    return 0;
  }

  #set(item, state, more = {}) {
    if (state !== "done" && !this.#items.includes(item)) return;
    Object.assign(item, more, { state });
    sessionStorage.setItem(this.key, JSON.stringify(this.#items));
    this.changed(item);
  }
}
