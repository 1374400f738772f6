// A room's messages as far as they are loaded: each once, ascending by `seq`, as it is now, from
// wherever they come.

import { changed, changes, isGone } from "./message-changes.js";

export class Timeline {
  #messages = [];
  #head = 0;
  // What the stream brought, by `seq`: history may not have it yet when it is asked.
  #changes = new Map();

  get oldest() {
    return this.#messages.at(0)?.seq ?? 0;
  }

  get newest() {
    return this.#messages.at(-1)?.seq ?? 0;
  }

  get head() {
    return this.#head;
  }

  /** The messages, newest first. */
  get newestFirst() {
    return [...this.#messages].reverse();
  }

  get(seq) {
    return this.#messages[this.#place(seq)];
  }

  /** The message before one that is loaded, and the one after it. */
  around(seq) {
    const place = this.#place(seq);
    return { previous: this.#messages[place - 1], next: this.#messages[place + 1] };
  }

  /** The room is known to have messages up to `seq`, loaded or not. */
  expect(seq) {
    this.#head = Math.max(this.#head, seq);
  }

  /** Takes a message; whether it is new. */
  add(message) {
    let place = this.#messages.length;
    while (place > 0 && this.#messages[place - 1].seq > message.seq) place--;
    if (this.#messages[place - 1]?.seq === message.seq) return false;
    this.#messages.splice(place, 0, this.asNow(message));
    this.expect(message.seq);
    return true;
  }

  /** A message out of history, with what the stream has brought since. */
  asNow(message) {
    return (this.#changes.get(message.seq) ?? []).reduce(changed, message);
  }

  /** Takes an event of the stream; the `seq`s of the loaded messages that it changes. */
  change(event) {
    const touched = [changes(event)];
    if (isGone(event)) touched.push(this.#unanswer(event.seq));
    else if (!touched[0]) return [];
    this.#remember(touched[0], event);
    this.#replace(touched[0], (message) => changed(message, event));
    return touched.filter((seq) => this.get(seq));
  }

  /** Forgets all messages; with `changes` also what has come of them since. */
  empty({ changes = false } = {}) {
    this.#messages = [];
    if (changes) this.#changes.clear();
  }

  /** The first stretch that is missing between the oldest loaded and the newest known message,
   *  as the bounds of a history request; null where there is none. */
  hole() {
    let after = this.oldest ? this.oldest - 1 : 0;
    for (const { seq } of this.#messages) {
      if (seq > after + 1) return { after_seq: after, before_seq: seq };
      after = seq;
    }
    return after < this.#head ? { after_seq: after, before_seq: this.#head + 1 } : null;
  }

  #place(seq) {
    const guess = seq - this.oldest;
    if (this.#messages[guess]?.seq === seq) return guess;
    return this.#messages.findIndex((message) => message.seq === seq);
  }

  #replace(seq, change) {
    const place = this.#place(seq);
    if (place >= 0) this.#messages[place] = change(this.#messages[place]);
  }

  #remember(seq, event) {
    if (!this.#changes.has(seq)) this.#changes.set(seq, []);
    this.#changes.get(seq).push(event);
  }

  // A deleted reply counts no more; its root.
  #unanswer(seq) {
    const reply = this.get(seq);
    if (!reply?.thread || reply.deleted) return 0;
    const known = this.#changes.get(reply.thread) ?? [];
    this.#changes.set(reply.thread, known.filter((event) => event.id !== reply.id));
    this.#replace(reply.thread, (root) => ({ ...root, replies: Math.max(0, root.replies - 1) }));
    return reply.thread;
  }
}
