// A room's messages as far as they are loaded: each once, ascending by `seq`, from wherever
// they come.

export class Timeline {
  #messages = [];
  #head = 0;

  get oldest() {
    return this.#messages.at(0)?.seq ?? 0;
  }

  get newest() {
    return this.#messages.at(-1)?.seq ?? 0;
  }

  /** The room is known to have messages up to `seq`, loaded or not. */
  expect(seq) {
    this.#head = Math.max(this.#head, seq);
  }

  /** Takes a message; null where it is there already, else the ones before and after it. */
  add(message) {
    let place = this.#messages.length;
    while (place > 0 && this.#messages[place - 1].seq > message.seq) place--;
    const previous = this.#messages[place - 1];
    if (previous?.seq === message.seq) return null;
    this.#messages.splice(place, 0, message);
    this.expect(message.seq);
    return { previous, next: this.#messages[place + 1] };
  }

  /** Forgets and returns what lies below `seq`, where `seq` does not follow on it. */
  cutBefore(seq) {
    const first = this.#messages.findIndex((message) => message.seq >= seq);
    const below = first < 0 ? this.#messages.length : first;
    if (below === 0 || this.#messages[below - 1].seq === seq - 1) return [];
    return this.#messages.splice(0, below);
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
}
