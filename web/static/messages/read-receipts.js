// Read receipts of the open room: how far each member has read, and reporting the user's own mark.

import { backoff, mayPass } from "../parley.js";

const ATTEMPTS = 8;

export class ReadReceipts {
  #parley;
  #room;
  #marks = new Map();
  #wanted = 0; // the user's own mark, as far as they have seen
  #confirmed = 0; // … and as the server has it
  #busy = false;

  constructor(parley, room, read) {
    [this.#parley, this.#room, this.#confirmed] = [parley, room, read];
  }

  async load() {
    const { read } = await this.#parley.receipts(this.#room);
    this.update(read);
  }

  /** Takes marks by user. A mark never moves back. */
  update(read) {
    for (const [user, seq] of Object.entries(read)) {
      this.#marks.set(user, Math.max(seq, this.#marks.get(user) ?? 0));
    }
  }

  /** The users who have read message `seq`, by name. */
  readersOf(seq) {
    return [...this.#marks].filter(([, read]) => read >= seq).map(([user]) => user).sort();
  }

  /** Reports that the user has seen message `seq` and all before it. */
  async markRead(seq) {
    this.#wanted = Math.max(this.#wanted, seq);
    if (this.#busy) return;
    this.#busy = true;
    for (let failures = 0; this.#wanted > this.#confirmed; ) {
      const mark = this.#wanted;
      try {
        await this.#parley.read(this.#room, mark);
        this.#confirmed = mark;
      } catch (error) {
        if (!mayPass(error) || ++failures > ATTEMPTS) break;
        await new Promise((resolve) => setTimeout(resolve, backoff(failures)));
      }
    }
    this.#busy = false;
  }

  /** The server has the user's mark up to `seq`, perhaps from another device. */
  confirm(seq) {
    this.#confirmed = Math.max(this.#confirmed, seq);
  }
}
