// Presence: the dots beside users' names, kept up to date by polling, and the user's own status.

import { make, timeNode } from "../lib/dom.js";
import { own } from "../lib/own.js";

const POLL_MS = 20_000;
const SOON_MS = 150;
const MAX_USERS = 100; // in one request
const MAX_QUERY = 6000; // characters of a request's query

const LABELS = { online: "online", away: "away", offline: "offline" };

/** A user's dot, hidden until their presence is known. */
export function presenceDot(user) {
  const node = make("span", "presence-dot");
  node.dataset.user = user;
  node.setAttribute("role", "img");
  node.hidden = true;
  return node;
}

export class Presence {
  #parley;
  #known = new Map();
  #timer = 0;

  constructor(parley) {
    this.#parley = parley;
    document.addEventListener("visibilitychange", () => this.#pollIn(SOON_MS));
    this.#pollIn(POLL_MS);
  }

  /** Fills in the dots that have come onto the page. */
  refreshDots() {
    this.#updateDots();
    const isNew = ({ dataset }) => !this.#known.has(dataset.user);
    if ([...document.querySelectorAll(".presence-dot")].some(isNew)) this.#pollIn(SOON_MS);
  }

  /** Switches the user between away and online. */
  async toggleAway(me) {
    const isAway = this.#known.get(me)?.status === "away";
    await this.#parley.setPresence(isAway ? "online" : "away");
    await this.#poll();
  }

  #pollIn(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#poll(), milliseconds);
  }

  async #poll() {
    const users = this.#usersOnScreen();
    if (users.length && !document.hidden) {
      const { presence = {} } = await this.#parley.presence(users).catch(() => ({}));
      for (const user of users) this.#known.set(user, own(presence, user));
      this.#updateDots();
    }
    this.#pollIn(POLL_MS);
  }

  // As many as fit into one request.
  #usersOnScreen() {
    const dots = [...document.querySelectorAll(".presence-dot")];
    const shown = dots.filter((dot) => dot.parentElement.offsetParent);
    const users = [...new Set(shown.map((dot) => dot.dataset.user))];
    let length = 0;
    return users
      .slice(0, MAX_USERS)
      .filter((user) => (length += encodeURIComponent(user).length + 6) < MAX_QUERY);
  }

  #updateDots() {
    for (const dot of document.querySelectorAll(".presence-dot")) {
      const known = this.#known.get(dot.dataset.user);
      dot.hidden = !known;
      if (!known) continue;
      const { status, last_seen_ms } = known;
      dot.dataset.status = status;
      const hasLastSeen = status === "offline" && last_seen_ms;
      const lastSeen = hasLastSeen
        ? `, last seen ${timeNode(last_seen_ms, { short: true }).textContent}`
        : "";
      dot.title = LABELS[status] + lastSeen;
      dot.setAttribute("aria-label", dot.title);
    }
  }
}
