// Offers to notify the user in this browser, at a moment at which that makes sense: the user has
// just written something, and will want to know of the answer.

import { make } from "../lib/dom.js";
import { attempt } from "../lib/toast.js";
import { isPossible } from "./push.js";

const KEY = "parley push"; // "later": the user has said so, in this browser

export class PushOffer {
  #push;
  #me;
  #node = null;
  #wasMade = false;

  /** `me` is the user's id. */
  constructor(push, me) {
    [this.#push, this.#me] = [push, me];
  }

  /** Applies an event of the stream. */
  apply({ kind, by }) {
    if (kind !== "message.created" || by !== this.#me || this.#wasMade) return;
    this.#wasMade = true;
    attempt(this.#make());
  }

  async #make() {
    if (!isPossible() || Notification.permission === "denied" || stored() === "later") return;
    if ((await this.#push.isOn()) || !(await this.#push.isOffered())) return;
    const on = make("button", "primary", "Turn on");
    const later = make("button", "", "Not now");
    for (const button of [on, later]) button.type = "button";
    on.addEventListener("click", () => attempt(this.#turnOn()));
    later.addEventListener("click", () => this.#close("later"));
    const text = make("span", "", "Be notified of answers while you are away?");
    this.#node = make("div", "", text, on, later);
    this.#node.id = "push-offer";
    this.#node.setAttribute("role", "region");
    this.#node.setAttribute("aria-label", "Notifications");
    document.body.append(this.#node);
  }

  async #turnOn() {
    this.#close((await this.#push.turnOn()) ? "" : "later");
  }

  #close(answer) {
    store(answer);
    this.#node.remove();
  }
}

// Storage may be forbidden; then the offer is made again in another tab.
function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function store(answer) {
  try {
    localStorage.setItem(KEY, answer);
  } catch {
    // As above.
  }
}
