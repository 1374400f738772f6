// A scrolling list of messages: places each in order, follows the end, reports the scroll position.

import { groupWithPrevious } from "./message-view.js";

const NEAR_END = 80; // pixels

export class MessageList {
  #scroller;
  #list;
  #draw;
  #nodes = new Map();
  #followsEnd = true; // the end is in view, and stays in view when a message is added

  /** `draw(message)` makes a message's node; `moved()` is called after each scroll or resize. */
  constructor(scroller, list, draw, moved, signal) {
    [this.#scroller, this.#list, this.#draw] = [scroller, list, draw];
    const scrolled = () => {
      const { scrollTop, scrollHeight, clientHeight } = scroller;
      // A hidden list has no height and no scroll position.
      if (clientHeight) this.#followsEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
      moved();
    };
    scroller.addEventListener("scroll", scrolled, { passive: true, signal });
    // When the list gets lower, as above a phone's keyboard, the last message stays in view.
    const observer = new ResizeObserver(() => {
      this.#stayAtEnd();
      moved();
    });
    observer.observe(scroller);
    signal.addEventListener("abort", () => observer.disconnect());
    list.replaceChildren();
  }

  get followsEnd() {
    return this.#followsEnd;
  }

  /** Whether the user sees the end: the page is visible and scrolled to it. */
  get endIsVisible() {
    const visible = document.visibilityState === "visible" && this.#scroller.clientHeight > 0;
    return visible && this.#followsEnd;
  }

  get nearStart() {
    const { scrollTop, clientHeight } = this.#scroller;
    return clientHeight > 0 && scrollTop < clientHeight;
  }

  get nearEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return clientHeight > 0 && scrollHeight - scrollTop < 2 * clientHeight;
  }

  /** Adds a message between its neighbours, or redraws it. */
  put(message, { previous, next }) {
    const node = this.#draw(message);
    const old = this.#nodes.get(message.seq);
    const nextNode = next && this.#nodes.get(next.seq);
    if (old) replaceKeepingFocus(old, node);
    else this.#list.insertBefore(node, nextNode ?? null);
    this.#nodes.set(message.seq, node);
    groupWithPrevious(node, message, previous);
    if (nextNode && !old) groupWithPrevious(nextNode, next, message);
    this.#stayAtEnd();
  }

  /** Adds a node to a message's footer. */
  appendToFooter(seq, node) {
    this.#nodes.get(seq)?.querySelector(".message-footer").append(node);
    this.#stayAtEnd();
  }

  clear() {
    this.#nodes.clear();
    this.#list.replaceChildren();
  }

  scrollToEnd() {
    this.#followsEnd = true;
    this.#stayAtEnd();
  }

  /** Runs `prepend`, which adds messages above, without moving what is in view. */
  keepingPosition(prepend) {
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    prepend();
    this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
  }

  /** Scrolls to a message and highlights it. Returns whether the message is in the list. */
  highlight(seq) {
    const node = this.#nodes.get(seq);
    if (!node) return false;
    this.#followsEnd = false;
    node.scrollIntoView({ block: "center" });
    node.classList.remove("highlighted");
    requestAnimationFrame(() => node.classList.add("highlighted"));
    return true;
  }

  #stayAtEnd() {
    if (this.#followsEnd) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}

function replaceKeepingFocus(old, node) {
  const key = old.contains(document.activeElement) && document.activeElement.dataset.focusKey;
  old.replaceWith(node);
  if (!key) return;
  node.querySelector(`[data-focus-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
