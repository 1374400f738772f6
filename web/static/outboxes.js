// The outbox of each room: what was written in one goes on while another is open.

import { Outbox } from "./outbox.js";

export class Outboxes {
  #parley;
  #me;
  #changed;
  #boxes = new Map();

  /** `changed(room, item)` is called for each new state of an item: see `Outbox`. */
  constructor(parley, me, changed) {
    [this.#parley, this.#me, this.#changed] = [parley, me, changed];
    addEventListener("online", () => this.#boxes.forEach((box) => box.retry()));
  }

  /** Take up what an earlier load of this page left behind, in any room. */
  restore() {
    for (const key of Object.keys(sessionStorage)) {
      const [kind, room, me] = key.split(" ");
      if (kind === "outbox" && me === this.#me) this.of(room).restore();
    }
  }

  of(room) {
    if (!this.#boxes.has(room)) this.#boxes.set(room, this.#new(room));
    return this.#boxes.get(room);
  }

  /** A message of the room is there; it may be mine. */
  settle({ room, by, client_id }) {
    if (by === this.#me) this.#boxes.get(room)?.settle(client_id);
  }

  #new(room) {
    const send = ({ text, clientId, more }) => this.#parley.send(room, text, clientId, more);
    const key = `outbox ${room} ${this.#me}`;
    return new Outbox(key, send, (item) => this.#changed(room, item));
  }
}
