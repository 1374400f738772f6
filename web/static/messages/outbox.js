// Messages that the user has sent and the room has not shown yet. An outbox sends them one after
// another, so that the room gets them in the order they were written, and survives a reload.

import { showToast } from "../lib/toast.js";
import { backoff, mayPass, newId } from "../parley.js";

const RESEND_MS = 10_000; // after an answer without a `seq`

/** One room's outbox. */
class Outbox {
  #items = [];
  #busy = false;
  #failures = 0;
  #timer = 0;

  /** `key` is its place in `sessionStorage`; `send(item)` is one attempt; `changed(item)` is
   *  called for each new state of an item: "sending", "waiting", "sent" (with `seq`), "held",
   *  "refused" (with `why`), "done". */
  constructor(key, send, changed) {
    this.key = key;
    this.send = send;
    this.changed = changed;
  }

  /** Takes up what an earlier load of this page left behind. */
  restore() {
    const left = JSON.parse(sessionStorage.getItem(this.key) ?? "[]");
    this.#items = left.filter(({ state }) => state !== "sent");
    // A moderator may have decided meanwhile: sending it again tells.
    this.#items.forEach((item) => item.state === "held" && (item.state = "sending"));
    this.#items.forEach(this.changed);
    this.#sendNext();
  }

  get items() {
    return [...this.#items];
  }

  /** Adds a message. `more`: reply_to, thread. */
  add(text, more = {}) {
    const item = { clientId: newId(), text, more, at_ms: Date.now() };
    this.#items.push(item);
    this.#setState(item, "sending");
    this.#sendNext();
  }

  /** Removes a message: the room has shown it, or the user discarded it. */
  settle(clientId) {
    const item = this.#items.find((other) => other.clientId === clientId);
    if (!item) return;
    this.#items = this.#items.filter((other) => other !== item);
    this.#setState(item, "done");
    this.retry();
  }

  /** Marks a message as refused by a moderator. */
  refuse(clientId, why) {
    const item = this.#items.find((other) => other.clientId === clientId);
    if (item) this.#setState(item, "refused", { why });
  }

  /** Sends now rather than when the wait is over. */
  retry = () => {
    clearTimeout(this.#timer);
    this.#sendNext();
  };

  async #sendNext() {
    const item = this.#items.find(({ state }) => state === "sending" || state === "waiting");
    if (!item || this.#busy) return;
    this.#busy = true;
    const wait = await this.#attempt(item);
    this.#busy = false;
    clearTimeout(this.#timer);
    if (wait) this.#timer = setTimeout(() => this.#sendNext(), wait);
    else this.#sendNext();
  }

  // Resolves to the milliseconds until the next attempt; 0: none is needed.
  async #attempt(item) {
    this.#setState(item, "sending");
    try {
      const answer = await this.send(item);
      this.#failures = 0;
      if (answer.status === "held") {
        this.#setState(item, "held");
        return 0;
      }
      // Without a `seq` (202) it is accepted: the stream brings it, or the next attempt tells.
      if (!answer.seq) return RESEND_MS;
      this.#setState(item, "sent", { seq: answer.seq });
    } catch (error) {
      if (mayPass(error)) {
        this.#setState(item, "waiting");
        return backoff(this.#failures++);
      }
      this.#setState(item, "refused", { why: error.message });
    }
    return 0;
  }

  #setState(item, state, more = {}) {
    if (state !== "done" && !this.#items.includes(item)) return;
    Object.assign(item, more, { state });
    sessionStorage.setItem(this.key, JSON.stringify(this.#items));
    this.changed(item);
  }
}

/** The outboxes of all rooms: a room's messages go on being sent while another room is open. */
export class Outboxes {
  #parley;
  #me;
  #changed;
  #byRoom = new Map();

  /** `changed(room, item)` is called for each new state of an item. */
  constructor(parley, me, changed) {
    [this.#parley, this.#me, this.#changed] = [parley, me, changed];
    addEventListener("online", () => this.#byRoom.forEach((outbox) => outbox.retry()));
  }

  /** Takes up what an earlier load of this page left behind, in any room. */
  restore() {
    for (const key of Object.keys(sessionStorage)) {
      const [kind, room, me] = key.split(" ");
      if (kind === "outbox" && me === this.#me) this.of(room).restore();
    }
  }

  of(room) {
    if (!this.#byRoom.has(room)) this.#byRoom.set(room, this.#create(room));
    return this.#byRoom.get(room);
  }

  /** A message has appeared in its room: if it is the user's own, it leaves the outbox. */
  messageCreated({ room, by, client_id }) {
    if (by === this.#me) this.#byRoom.get(room)?.settle(client_id);
  }

  /** A moderator has decided about a held message. */
  reviewed({ room, client_id, action, reason }) {
    if (action !== "reject") return;
    this.#byRoom.get(room)?.refuse(client_id, reason || "a moderator rejected it");
  }

  #create(room) {
    const send = async ({ text, clientId, more }) => {
      const answer = await this.#parley.send(room, text, clientId, more);
      const { verdict } = answer;
      if (verdict?.action === "mask") showToast(`Masked: ${verdict.findings[0].reason}`);
      return answer;
    };
    const key = `outbox ${room} ${this.#me}`;
    return new Outbox(key, send, (item) => this.#changed(room, item));
  }
}
