// The outbox's messages as the page shows them: below the others, each with its delivery status.

import { button, make } from "../lib/dom.js";
import { messageNode } from "./message-view.js";

const STATUS = {
  sending: "Sending …",
  waiting: "No connection. Trying again …",
  sent: "Sent",
  held: "Waiting for a moderator",
};

export class PendingMessages {
  #list;
  #me;
  #actions;
  #nodes = new Map();

  /** `actions`: what the user can do with a refused message, by label. */
  constructor(list, me, actions) {
    [this.#list, this.#me, this.#actions] = [list, me, actions];
    list.replaceChildren();
  }

  /** Shows an item of the outbox in its current state. Returns whether it is new here. */
  show(item) {
    const old = this.#nodes.get(item.clientId);
    if (item.state === "done") {
      this.#nodes.delete(item.clientId);
      old?.remove();
      return false;
    }
    const node = this.#nodeOf(item);
    this.#nodes.set(item.clientId, node);
    if (old) old.replaceWith(node);
    else this.#list.append(node);
    return !old;
  }

  #nodeOf(item) {
    const { text, at_ms, more = {} } = item;
    const node = messageNode({ by: this.#me, text, at_ms, ...more }, this.#me);
    node.classList.add("pending", item.state);
    const label = STATUS[item.state] ?? `Not sent: ${item.why}`;
    const status = make("p", "delivery-status", label);
    if (item.state === "refused") {
      for (const [name, action] of Object.entries(this.#actions)) {
        status.append(" ", button("", name, () => action(item)));
      }
    }
    node.append(status);
    return node;
  }
}
