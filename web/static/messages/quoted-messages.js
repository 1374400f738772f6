// Messages that others quote and that are not on the page: fetched once, and kept as they are now.

import { changed, changes } from "./message-changes.js";

export class Quotes {
  #parley;
  #room;
  #asNow;
  #came;
  #messages = new Map(); // null: on its way, or not to be had

  /** `asNow(message)` adds what the stream knows; `came(seq)`: a message has come, or changed. */
  constructor(parley, room, asNow, came) {
    [this.#parley, this.#room, this.#asNow, this.#came] = [parley, room, asNow, came];
  }

  get(seq) {
    if (!this.#messages.has(seq)) this.#fetch(seq);
    return this.#messages.get(seq) ?? undefined;
  }

  change(event) {
    const seq = changes(event);
    const message = this.#messages.get(seq);
    if (!message) return;
    this.#messages.set(seq, changed(message, event));
    this.#came(seq);
  }

  async #fetch(seq) {
    this.#messages.set(seq, null);
    const query = { after_seq: seq - 1, before_seq: seq + 1, limit: 1 };
    const { messages } = await this.#parley.history(this.#room, query).catch(() => ({}));
    if (!messages?.length) return;
    this.#messages.set(seq, this.#asNow(messages[0]));
    this.#came(seq);
  }
}
