// Messages that the user has sent and the room has not shown yet. An outbox sends them one after
// another, so that the room gets them in the order they were written. It outlives the tab: another
// tab may send the same message too, and its `client_id` lets it count once.

import { browserStorage, tabStorage } from "../lib/storage.js";
import { showToast } from "../lib/toast.js";
import { backoff, mayPass, newId } from "../parley.js";

const RESEND_MS = 10_000; // after an answer without a `seq`
const SENT_WITHOUT_ASKING_MS = 24 * 60 * 60_000;
const TOO_OLD = "you wrote it long ago";

/** One room's outbox. */
class Outbox {
  #items = [];
  #busy = false;
  #failures = 0;
  #timer = 0;

  /** `send(item)` is one attempt; `changed(item)` is called for each new state of an item:
   *  "sending", "waiting", "sent" (with `seq`), "held", "refused" (with `why`), "done". */
  constructor(send, changed) {
    this.send = send;
    this.changed = changed;
  }

  get items() {
    return [...this.#items];
  }

  /** Adds a message that was written now, or before the page was loaded. */
  add(item) {
    this.#items.push(item);
    const old = Date.now() - item.at_ms > SENT_WITHOUT_ASKING_MS;
    if (item.state === "refused") this.changed(item);
    // Of a held one, a moderator may have decided meanwhile: sending it again tells.
    else if (old && item.state !== "held") this.#setState(item, "refused", { why: TOO_OLD });
    else this.#setState(item, "sending");
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
    this.changed(item);
  }
}

/** The outboxes of all rooms: a room's messages go on being sent while another room is open. */
export class Outboxes {
  #parley;
  #me;
  #changed;
  #byRoom = new Map();
  #lastAt = 0;

  /** `changed(room, item)` is called for each new state of an item. */
  constructor(parley, me, changed) {
    [this.#parley, this.#me, this.#changed] = [parley, me, changed];
    addEventListener("online", () => this.#byRoom.forEach((outbox) => outbox.retry()));
    // Another tab has settled or discarded a message.
    addEventListener("storage", ({ key, newValue }) => {
      const prefix = this.#key("");
      if (newValue !== null || !key?.startsWith(prefix)) return;
      this.#byRoom.forEach((outbox) => outbox.settle(key.slice(prefix.length)));
    });
  }

  /** Takes up what earlier pages have left behind, in any room. */
  restore() {
    const left = browserStorage.keys(this.#key("")).map((key) => readItem(browserStorage.get(key)));
    const all = [...left, ...this.#takeFormerItems()].filter((item) => item?.clientId);
    for (const item of all.sort((a, b) => a.at_ms - b.at_ms)) {
      if (item.state === "sent") browserStorage.remove(this.#key(item.clientId));
      else this.of(item.room).add(item);
    }
  }

  /** A room's outbox. */
  of(room) {
    if (!this.#byRoom.has(room)) this.#byRoom.set(room, this.#create(room));
    return this.#byRoom.get(room);
  }

  /** Sends a text to a room. `more`: reply_to, thread. */
  send(room, text, more = {}) {
    // Each has a time of its own, by which they are restored in order.
    this.#lastAt = Math.max(Date.now(), this.#lastAt + 1);
    this.of(room).add({ clientId: newId(), room, text, more, at_ms: this.#lastAt });
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
    return new Outbox(send, (item) => {
      const key = this.#key(item.clientId);
      if (item.state === "done") browserStorage.remove(key);
      else browserStorage.set(key, JSON.stringify(item));
      this.#changed(room, item);
    });
  }

  // The page of before kept each room's items in the tab.
  *#takeFormerItems() {
    for (const key of tabStorage.keys("outbox ")) {
      const [, room, me] = key.split(" ");
      if (me !== this.#me) continue;
      for (const item of readItem(tabStorage.get(key)) ?? []) yield { ...item, room };
      tabStorage.remove(key);
    }
  }

  #key(clientId) {
    return `parley outbox ${this.#me} ${clientId}`;
  }
}

function readItem(stored) {
  try {
    return JSON.parse(stored);
  } catch {
    return null; // not written by this page
  }
}
