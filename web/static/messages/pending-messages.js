// Messages that are on their way, below those that are there.

import { messageNode } from "./message-view.js";
import { button, make } from "../lib/dom.js";

const TOLD = {
  sending: "Sending …",
  waiting: "No connection. Trying again …",
  sent: "Sent",
  held: "A moderator looks at it first",
};

export class Pending {
  #list;
  #me;
  #actions;
  #nodes = new Map();

  /** `actions`: what can be done with a message that was refused, by label. */
  constructor(list, me, actions) {
    [this.#list, this.#me, this.#actions] = [list, me, actions];
    list.replaceChildren();
  }

  /** An item of the outbox, as it is now; whether it is new here. */
  show(item) {
    const before = this.#nodes.get(item.clientId);
    if (item.state === "done") {
      this.#nodes.delete(item.clientId);
      before?.remove();
      return false;
    }
    const node = this.#nodeOf(item);
    this.#nodes.set(item.clientId, node);
    if (before) before.replaceWith(node);
    else this.#list.append(node);
    return !before;
  }

  #nodeOf(item) {
    const { text, at_ms, more = {} } = item;
    const node = messageNode({ by: this.#me, text, at_ms, ...more }, this.#me);
    node.classList.add("pending", item.state);
    const status = make("p", "status", TOLD[item.state] ?? `Not sent: ${item.why}`);
    if (item.state === "refused") {
      for (const [label, act] of Object.entries(this.#actions)) {
        status.append(" ", button("", label, () => act(item)));
      }
    }
    node.append(status);
    return node;
  }
}
