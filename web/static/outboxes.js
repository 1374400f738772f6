// The outbox of each room: what was written in one goes on while another is open.

import { Outbox } from "./outbox.js";
import { tell } from "./view.js";

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

  /** A moderator has looked at what was held. */
  reviewed({ room, client_id, action, reason }) {
    if (action !== "reject") return;
    this.#boxes.get(room)?.refuse(client_id, reason || "a moderator did not let it in");
  }

  #new(room) {
    const send = async ({ text, clientId, more }) => {
      const answer = await this.#parley.send(room, text, clientId, more);
      if (answer.verdict?.action === "mask") tell(`Covered: ${answer.verdict.findings[0].reason}`);
      return answer;
    };
    const key = `outbox ${room} ${this.#me}`;
    return new Outbox(key, send, (item) => this.#changed(room, item));
  }
}
