// Who has read the open room up to where, and my own mark.

import { backoff, mayPass } from "../parley.js";

export class Receipts {
  #parley;
  #room;
  #marks = new Map();
  #wanted = 0; // my mark as it should be, and as the server has taken it
  #sent = 0;
  #busy = false;

  constructor(parley, room, read) {
    [this.#parley, this.#room, this.#sent] = [parley, room, read];
  }

  async load() {
    const { read } = await this.#parley.receipts(this.#room);
    this.take(read);
  }

  /** Marks by user; none goes back. */
  take(read) {
    for (const [user, seq] of Object.entries(read)) {
      this.#marks.set(user, Math.max(seq, this.#marks.get(user) ?? 0));
    }
  }

  /** Those who have read message `seq`, by name. */
  readersOf(seq) {
    return [...this.#marks].filter(([, read]) => read >= seq).map(([user]) => user).sort();
  }

  /** I have seen message `seq` and all before it. */
  async seen(seq) {
    this.#wanted = Math.max(this.#wanted, seq);
    if (this.#busy) return;
    this.#busy = true;
    for (let failures = 0; this.#wanted > this.#sent; ) {
      const mark = this.#wanted;
      try {
        await this.#parley.read(this.#room, mark);
        this.#sent = mark;
      } catch (error) {
        if (!mayPass(error) || ++failures > 8) break;
        await new Promise((resume) => setTimeout(resume, backoff(failures)));
      }
    }
    this.#busy = false;
  }

  /** Another device has read, or I have written. */
  known(seq) {
    this.#sent = Math.max(this.#sent, seq);
  }
}
