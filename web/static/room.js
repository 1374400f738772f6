// One room on the page: its messages out of history and stream, put together by `seq`.

import { backoff } from "./parley.js";
import { Timeline } from "./timeline.js";
import { arrange, element, messageNode } from "./view.js";

const PAGE = 50;
const NEAR_END = 80; // pixels

export class Room {
  #parley;
  #room;
  #timeline = new Timeline();
  #nodes = new Map();
  #scroll = element("scroll");
  #loadingOlder = false;
  #filling = false;
  #unseen = 0;
  #follow = true; // the end is on view, and stays so when something comes

  /** `shown(message)` is called for each message that comes onto the page. */
  constructor(parley, room, me, shown) {
    this.#parley = parley;
    this.#room = room;
    this.me = me;
    this.shown = shown;
    this.#scroll.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // What makes the page's own height change must not hide the last message.
    new ResizeObserver(() => this.#follow && this.toEnd()).observe(this.#scroll);
    element("jump").addEventListener("click", () => this.toEnd());
    document.addEventListener("visibilitychange", () => this.#count(0));
  }

  /** Load the newest page, and drop what it does not join on to. `head`: the room's last `seq`. */
  async load(head) {
    this.#timeline.expect(head);
    const { messages } = await this.#parley.history(this.#room, { limit: PAGE });
    if (messages.length) {
      for (const { seq } of this.#timeline.cutBefore(messages[0].seq)) this.#remove(seq);
    }
    messages.forEach((message) => this.#show(message));
    this.#older(messages.length > 0 && messages[0].seq > 1);
    this.#settle();
  }

  /** A message of the stream. */
  take(message) {
    if (!this.#show(message)) return;
    if (document.hidden && message.by !== this.me) this.#count(this.#unseen + 1);
    this.#settle();
  }

  /** The room has messages up to `seq`: see to it that they are on the page. */
  expect(seq) {
    this.#timeline.expect(seq);
    this.#fill();
  }

  toEnd() {
    this.#follow = true;
    element("jump").hidden = true;
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  #settle() {
    if (this.#follow) this.toEnd();
    else element("jump").hidden = false;
    this.#fill();
  }

  #show(message) {
    const place = this.#timeline.add(message);
    if (!place) return false;
    const node = messageNode(message, message.by === this.me);
    const after = place.next && this.#nodes.get(place.next.seq);
    element("log").insertBefore(node, after ?? null);
    this.#nodes.set(message.seq, node);
    arrange(node, message, place.previous);
    if (after) arrange(after, place.next, message);
    this.shown(message);
    return true;
  }

  #remove(seq) {
    this.#nodes.get(seq).remove();
    this.#nodes.delete(seq);
  }

  // Stream and history may leave a hole for a moment, as the archive comes after the stream and
  // an answer may come before both.
  async #fill() {
    if (this.#filling) return;
    this.#filling = true;
    let hole = this.#timeline.hole();
    for (let failures = 0; hole && failures < 8; hole = this.#timeline.hole()) {
      await new Promise((resume) => setTimeout(resume, backoff(failures) / 2));
      hole = this.#timeline.hole();
      if (hole) failures = (await this.#fetch(hole)) ? 0 : failures + 1;
    }
    this.#filling = false;
  }

  // Whether that brought anything.
  async #fetch(hole) {
    try {
      const { messages } = await this.#parley.history(this.#room, { ...hole, limit: PAGE });
      const found = messages.map((message) => this.#show(message)).some(Boolean);
      if (found) this.#settle();
      return found;
    } catch {
      return false;
    }
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    this.#follow = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (this.#follow) element("jump").hidden = true;
    if (scrollTop < clientHeight) this.#loadOlder();
  }

  async #loadOlder() {
    const oldest = this.#timeline.oldest;
    if (this.#loadingOlder || oldest <= 1) return;
    this.#loadingOlder = true;
    try {
      const query = { before_seq: oldest, limit: PAGE };
      const { messages } = await this.#parley.history(this.#room, query);
      const fromEnd = this.#scroll.scrollHeight - this.#scroll.scrollTop;
      messages.reverse().forEach((message) => this.#show(message));
      this.#scroll.scrollTop = this.#scroll.scrollHeight - fromEnd;
      this.#older(messages.length > 0 && this.#timeline.oldest > 1);
    } catch {
      element("start").textContent = "Earlier messages could not be loaded. Scroll to try again.";
    } finally {
      this.#loadingOlder = false;
    }
  }

  #older(more) {
    element("start").textContent = more ? "Earlier messages …" : "This is where the room begins.";
  }

  #count(unseen) {
    this.#unseen = unseen;
    const name = element("room").textContent;
    document.title = unseen ? `(${unseen}) ${name}` : name;
  }
}
