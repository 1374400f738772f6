// The loaded messages of a room or a thread: each once, in the order of `seq`, as it is now,
// whether it came from history or from the stream.

import { applyChange, changedSeq, removesMessage } from "./message-changes.js";

export class Timeline {
  #messages = [];
  #head = 0;
  // Events by the `seq` that they change: a history page may be older than they are.
  #changes = new Map();

  get oldest() {
    return this.#messages.at(0)?.seq ?? 0;
  }

  get newest() {
    return this.#messages.at(-1)?.seq ?? 0;
  }

  /** The highest `seq` that the room is known to have, loaded or not. */
  get head() {
    return this.#head;
  }

  get newestFirst() {
    return [...this.#messages].reverse();
  }

  get(seq) {
    return this.#messages[this.#indexOf(seq)];
  }

  /** The neighbours of a loaded message. */
  around(seq) {
    const index = this.#indexOf(seq);
    return { previous: this.#messages[index - 1], next: this.#messages[index + 1] };
  }

  /** Notes that the room has messages up to `seq`. */
  raiseHead(seq) {
    this.#head = Math.max(this.#head, seq);
  }

  /** Adds a message. Returns whether it is new. */
  add(message) {
    let index = this.#messages.length;
    while (index > 0 && this.#messages[index - 1].seq > message.seq) index--;
    if (this.#messages[index - 1]?.seq === message.seq) return false;
    this.#messages.splice(index, 0, this.withChanges(message));
    this.raiseHead(message.seq);
    return true;
  }

  /** A message out of history, with the changes that the stream has brought since. */
  withChanges(message) {
    return (this.#changes.get(message.seq) ?? []).reduce(applyChange, message);
  }

  /** Applies an event of the stream. Returns the `seq`s of the loaded messages that it changed. */
  apply(event) {
    const touched = [changedSeq(event)];
    if (removesMessage(event)) touched.push(this.#uncountReply(event.seq));
    else if (!touched[0]) return [];
    this.#remember(touched[0], event);
    this.#replace(touched[0], (message) => applyChange(message, event));
    return touched.filter((seq) => this.get(seq));
  }

  /** Drops all messages; with `changes`, the remembered events too. */
  clear({ changes = false } = {}) {
    this.#messages = [];
    if (changes) this.#changes.clear();
  }

  /** The first gap between the oldest loaded message and the head, as the bounds of a history
   *  request; null if there is none. */
  firstGap() {
    let after = this.oldest ? this.oldest - 1 : 0;
    for (const { seq } of this.#messages) {
      if (seq > after + 1) return { after_seq: after, before_seq: seq };
      after = seq;
    }
    return after < this.#head ? { after_seq: after, before_seq: this.#head + 1 } : null;
  }

  #indexOf(seq) {
    // Without a gap the index follows from the number.
    const guess = seq - this.oldest;
    if (this.#messages[guess]?.seq === seq) return guess;
    return this.#messages.findIndex((message) => message.seq === seq);
  }

  #replace(seq, change) {
    const index = this.#indexOf(seq);
    if (index >= 0) this.#messages[index] = change(this.#messages[index]);
  }

  #remember(seq, event) {
    if (!this.#changes.has(seq)) this.#changes.set(seq, []);
    this.#changes.get(seq).push(event);
  }

  // Takes a removed reply out of its root's count. Returns the root's `seq`, or 0.
  #uncountReply(seq) {
    const reply = this.get(seq);
    if (!reply?.thread || reply.deleted) return 0;
    const known = this.#changes.get(reply.thread) ?? [];
    this.#changes.set(reply.thread, known.filter((event) => event.id !== reply.id));
    this.#replace(reply.thread, (root) => ({ ...root, replies: Math.max(0, root.replies - 1) }));
    return reply.thread;
  }
}
