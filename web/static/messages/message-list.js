// A scrolling list of messages: where each goes, and which stretch is on view.

import { arrange } from "./message-view.js";

const NEAR_END = 80; // pixels

export class Log {
  #scroll;
  #list;
  #draw;
  #nodes = new Map();
  #follow = true; // the end is on view, and stays so when something comes

  /** `draw(message)` makes its node; `moved()` is called after each scrolling. */
  constructor(scroll, list, draw, moved, signal) {
    [this.#scroll, this.#list, this.#draw] = [scroll, list, draw];
    const scrolled = () => {
      const { scrollTop, scrollHeight, clientHeight } = scroll;
      // Hidden, it has no height and no place.
      if (clientHeight) this.#follow = scrollHeight - scrollTop - clientHeight < NEAR_END;
      moved();
    };
    scroll.addEventListener("scroll", scrolled, { passive: true, signal });
    // What makes the page's own height change must not hide the last message.
    const observer = new ResizeObserver(() => {
      this.#stay();
      moved();
    });
    observer.observe(scroll);
    signal.addEventListener("abort", () => observer.disconnect());
    list.replaceChildren();
  }

  get follow() {
    return this.#follow;
  }

  /** Whether the end is on view, of a page that is itself on view. */
  get endIsSeen() {
    const visible = document.visibilityState === "visible" && this.#scroll.clientHeight > 0;
    return visible && this.#follow;
  }

  get nearStart() {
    const { scrollTop, clientHeight } = this.#scroll;
    return clientHeight > 0 && scrollTop < clientHeight;
  }

  get nearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroll;
    return clientHeight > 0 && scrollHeight - scrollTop < 2 * clientHeight;
  }

  /** Show a message between its neighbours, or again as it is now. */
  put(message, { previous, next }) {
    const node = this.#draw(message);
    const before = this.#nodes.get(message.seq);
    const after = next && this.#nodes.get(next.seq);
    if (before) swap(before, node);
    else this.#list.insertBefore(node, after ?? null);
    this.#nodes.set(message.seq, node);
    arrange(node, message, previous);
    if (after && !before) arrange(after, next, message);
    this.#stay();
  }

  /** Put something more under a message. */
  append(seq, node) {
    this.#nodes.get(seq)?.querySelector(".under").append(node);
    this.#stay();
  }

  /** Take all messages away. */
  empty() {
    this.#nodes.clear();
    this.#list.replaceChildren();
  }

  toEnd() {
    this.#follow = true;
    this.#stay();
  }

  /** Do what puts messages above without moving what is on view. */
  keepingPlace(act) {
    const fromEnd = this.#scroll.scrollHeight - this.#scroll.scrollTop;
    act();
    this.#scroll.scrollTop = this.#scroll.scrollHeight - fromEnd;
  }

  /** Bring a message into view, and let it be seen which. */
  point(seq) {
    const node = this.#nodes.get(seq);
    if (!node) return false;
    this.#follow = false;
    node.scrollIntoView({ block: "center" });
    node.classList.remove("pointed");
    requestAnimationFrame(() => node.classList.add("pointed"));
    return true;
  }

  #stay() {
    if (this.#follow) this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }
}

// In the other's place, with the focus where it was.
function swap(before, node) {
  const key = before.contains(document.activeElement) && document.activeElement.dataset.key;
  before.replaceWith(node);
  if (key) node.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
