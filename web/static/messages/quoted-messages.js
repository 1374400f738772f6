// Quoted messages that the page has not loaded: each is fetched once and kept up to date.

import { applyChange, changedSeq } from "./message-changes.js";

const MAX_KEPT = 500;

export class QuotedMessages {
  #parley;
  #room;
  #withChanges;
  #updated;
  #messages = new Map(); // null: being fetched, or not available

  /** `withChanges(message)` adds what the stream has brought; `updated(seq)` is called when a
   *  message has arrived or changed. */
  constructor(parley, room, withChanges, updated) {
    [this.#parley, this.#room] = [parley, room];
    [this.#withChanges, this.#updated] = [withChanges, updated];
  }

  /** The message, or undefined until it is fetched. */
  get(seq) {
    if (!this.#messages.has(seq)) this.#fetch(seq);
    return this.#messages.get(seq) ?? undefined;
  }

  /** Applies an event of the stream. */
  apply(event) {
    const seq = changedSeq(event);
    const message = this.#messages.get(seq);
    if (!message) return;
    this.#messages.set(seq, applyChange(message, event));
    this.#updated(seq);
  }

  async #fetch(seq) {
    this.#messages.set(seq, null);
    if (this.#messages.size > MAX_KEPT) {
      this.#messages.delete(this.#messages.keys().next().value);
    }
    const query = { after_seq: seq - 1, before_seq: seq + 1, limit: 1 };
    const { messages } = await this.#parley.history(this.#room, query).catch(() => ({}));
    if (!messages?.length) return;
    this.#messages.set(seq, this.#withChanges(messages[0]));
    this.#updated(seq);
  }
}
