// Whether the people on the page are there: a dot beside a name, asked for again and again.

import { make, timeNode } from "../lib/dom.js";

const EVERY_MS = 20_000;
const SOON_MS = 150;
const MOST = 100; // people in one question
const LONGEST = 6000; // characters of their names, escaped

const LABELS = { online: "online", away: "away", offline: "offline" };

/** A place for a person's dot. */
export function dotOf(user) {
  const node = make("span", "dot");
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
    document.addEventListener("visibilitychange", () => this.#askIn(SOON_MS));
    this.#askIn(EVERY_MS);
  }

  /** Dots may have come onto the page. */
  soon() {
    this.#paint();
    const isNew = ({ dataset }) => !this.#known.has(dataset.user);
    if ([...document.querySelectorAll(".dot")].some(isNew)) this.#askIn(SOON_MS);
  }

  /** Say that I am away, or back. */
  async turn(me) {
    const away = this.#known.get(me)?.status === "away";
    await this.#parley.setPresence(away ? "online" : "away");
    await this.#ask();
  }

  #askIn(milliseconds) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#ask(), milliseconds);
  }

  async #ask() {
    const users = this.#onScreen();
    if (users.length && !document.hidden) {
      const { presence = {} } = await this.#parley.presence(users).catch(() => ({}));
      for (const user of users) this.#known.set(user, presence[user]);
      this.#paint();
    }
    this.#askIn(EVERY_MS);
  }

  #onScreen() {
    const shown = [...document.querySelectorAll(".dot")].filter((dot) => dot.parentElement.offsetParent);
    const users = [...new Set(shown.map((dot) => dot.dataset.user))];
    let length = 0;
    return users
      .slice(0, MOST)
      .filter((user) => (length += encodeURIComponent(user).length + 6) < LONGEST);
  }

  #paint() {
    for (const dot of document.querySelectorAll(".dot")) {
      const known = this.#known.get(dot.dataset.user);
      dot.hidden = !known;
      if (!known) continue;
      dot.dataset.status = known.status;
      const seen = known.status === "offline" && known.last_seen_ms;
      const last = seen ? `, last seen ${timeNode(known.last_seen_ms, { short: true }).textContent}` : "";
      dot.title = LABELS[known.status] + last;
      dot.setAttribute("aria-label", dot.title);
    }
  }
}
