// What this person has written and the page has not yet got back from the room. Sent one after
// another, so that the room gets it in the order it was written in; kept over a reload.

import { backoff, mayPass, newId } from "../parley.js";
import { tell } from "../lib/dom.js";

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

/** The outbox of each room: what was written in one goes on while another is open. */
export class Outboxes {
  #parley;
  #me;
  #changed;
  #boxes = new Map();

  /** `changed(room, item)` is called for each new state of an item: see `Outbox`. */
  constructor(parley, me, changed) {
    [this.#parley, this.#me, this.#changed] = [parley, me, changed];
    addEventListener("online", () => this.#boxes.forEach((box) => box.retry()));
  }

  /** Take up what an earlier load of this page left behind, in any room. */
  restore() {
    for (const key of Object.keys(sessionStorage)) {
      const [kind, room, me] = key.split(" ");
      if (kind === "outbox" && me === this.#me) this.of(room).restore();
    }
  }

  of(room) {
    if (!this.#boxes.has(room)) this.#boxes.set(room, this.#new(room));
    return this.#boxes.get(room);
  }

  /** A message of the room is there; it may be mine. */
  settle({ room, by, client_id }) {
    if (by === this.#me) this.#boxes.get(room)?.settle(client_id);
  }

  /** A moderator has looked at what was held. */
  reviewed({ room, client_id, action, reason }) {
    if (action !== "reject") return;
    this.#boxes.get(room)?.refuse(client_id, reason || "a moderator did not let it in");
  }

  #new(room) {
    const send = async ({ text, clientId, more }) => {
      const answer = await this.#parley.send(room, text, clientId, more);
      if (answer.verdict?.action === "mask") tell(`Covered: ${answer.verdict.findings[0].reason}`);
      return answer;
    };
    const key = `outbox ${room} ${this.#me}`;
    return new Outbox(key, send, (item) => this.#changed(room, item));
  }
}
