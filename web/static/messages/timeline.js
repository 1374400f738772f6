// The loaded messages of a room or a thread: each once, in the order of `seq`, as it is now,
// whether it came from history or from the stream.

import { applyChange, changedSeq, removesMessage } from "./message-changes.js";

const MAX_CHANGED = 2000; // messages whose changes are remembered

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

  get size() {
    return this.#messages.length;
  }

  /** The highest `seq` that the room is known to have, loaded or not. */
  get head() {
    return this.#head;
  }

  /** The oldest first. */
  get messages() {
    return [...this.#messages];
  }

  get(seq) {
    return this.#messages[this.#indexOf(seq)];
  }

  /** The newest loaded message of a user that is not deleted. */
  newestOf(user) {
    return this.#messages.findLast(({ by, deleted }) => by === user && !deleted);
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
    const index = this.#placeOf(message.seq);
    if (this.#messages[index]?.seq === message.seq) return false;
    const added = this.withChanges(message);
    if (index === this.#messages.length) this.#messages.push(added);
    else this.#messages.splice(index, 0, added);
    this.raiseHead(message.seq);
    return true;
  }

  /** Drops the oldest messages above `most`, or the newest. Returns the dropped. */
  trim(most, { newest = false } = {}) {
    const count = Math.max(0, this.#messages.length - most);
    const start = newest ? most : 0;
    return count ? this.#messages.splice(start, count) : [];
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
    // Each number is there once: as many messages as numbers leave no gap.
    const { oldest, newest, size } = this;
    if (oldest && newest - oldest + 1 === size) {
      return newest < this.#head ? { after_seq: newest, before_seq: this.#head + 1 } : null;
    }
    let after = oldest ? oldest - 1 : 0;
    for (const { seq } of this.#messages) {
      if (seq > after + 1) return { after_seq: after, before_seq: seq };
      after = seq;
    }
    return after < this.#head ? { after_seq: after, before_seq: this.#head + 1 } : null;
  }

  #indexOf(seq) {
    const index = this.#placeOf(seq);
    return this.#messages[index]?.seq === seq ? index : -1;
  }

  // Where a message is, or would be.
  #placeOf(seq) {
    // Without a gap the index follows from the number.
    const guess = seq - this.oldest;
    if (this.#messages[guess]?.seq === seq) return guess;
    let [low, high] = [0, this.#messages.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#messages[middle].seq < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #replace(seq, change) {
    const index = this.#indexOf(seq);
    if (index >= 0) this.#messages[index] = change(this.#messages[index]);
  }

  #remember(seq, event) {
    const known = this.#changes.get(seq) ?? [];
    this.#changes.delete(seq); // the one that changed last comes last
    this.#changes.set(seq, [...known, event]);
    if (this.#changes.size > MAX_CHANGED) this.#changes.delete(this.#changes.keys().next().value);
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
