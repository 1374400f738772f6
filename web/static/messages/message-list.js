// A scrolling list of messages: draws what has changed once a frame, in order, follows the end, and
// reports the scroll position.

import { drawSoon } from "../lib/frame.js";
import { groupWithPrevious } from "./message-view.js";

const NEAR_END = 80; // pixels

export class MessageList {
  #scroller;
  #list;
  #timeline;
  #on;
  #nodes = new Map();
  #changed = new Set(); // what is to be drawn
  #followsEnd = true; // the end is in view, and stays in view when a message is added
  #lastTop = 0;
  #flush = () => this.flush();

  /** Shows messages of `timeline`. `on.draw(message)` makes a message's node; `on.drawn()` is
   *  called after each drawing, `on.moved()` after each scroll or resize; `on.reachesEnd()` tells whether
   *  the last of them is the newest that there is. */
  constructor(scroller, list, timeline, on, signal) {
    [this.#scroller, this.#list, this.#timeline, this.#on] = [scroller, list, timeline, on];
    const scrolled = () => {
      this.#noteScroll();
      on.moved();
    };
    scroller.addEventListener("scroll", scrolled, { passive: true, signal });
    // When the list gets lower, as above a phone's keyboard, or what is in it gets higher, the last
    // message stays in view.
    const observer = new ResizeObserver(() => {
      this.#stayAtEnd();
      on.moved();
    });
    for (const node of [scroller, ...scroller.children]) observer.observe(node);
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

  /** Draws a message of the timeline, for the first time or anew, before the next frame. */
  put(seq) {
    this.#changed.add(seq);
    drawSoon(this.#flush);
  }

  /** Draws now what has changed. */
  flush() {
    if (!this.#changed.size) return;
    // From the newest on: the node of the next message is there already.
    const changed = [...this.#changed].sort((a, b) => b - a);
    this.#changed.clear();
    for (const seq of changed) this.#draw(seq);
    this.#stayAtEnd();
    this.#on.drawn();
  }

  /** Takes away messages that the timeline has dropped. */
  remove(dropped) {
    for (const { seq } of dropped) {
      this.#nodes.get(seq)?.remove();
      this.#nodes.delete(seq);
      this.#changed.delete(seq);
    }
    // The first message that is left may begin a day.
    const first = this.#timeline.get(this.#timeline.oldest);
    if (dropped.length && first && this.#nodes.has(first.seq)) this.put(first.seq);
  }

  /** Adds a node to a message's footer. */
  appendToFooter(seq, node) {
    this.#nodes.get(seq)?.querySelector(".message-footer").append(node);
    this.#stayAtEnd();
  }

  clear() {
    this.#nodes.clear();
    this.#changed.clear();
    this.#list.replaceChildren();
  }

  scrollToEnd() {
    this.#followsEnd = true;
    this.flush();
    this.#stayAtEnd();
  }

  /** Runs `change`, which adds or removes messages out of view, without moving those in view. */
  keepingPosition(change) {
    const anchor = this.#firstInView();
    const before = anchor?.getBoundingClientRect().top;
    change();
    this.flush();
    // The anchor itself may have been drawn anew.
    const after = this.#nodes.get(Number(anchor?.dataset.seq))?.getBoundingClientRect().top;
    if (after !== undefined) this.#scroller.scrollTop += after - before;
    this.#lastTop = this.#scroller.scrollTop;
  }

  /** Whether a message is in view. */
  isInView(seq) {
    const node = this.#nodes.get(seq)?.getBoundingClientRect();
    const { top, bottom } = this.#scroller.getBoundingClientRect();
    return Boolean(node) && node.bottom > top && node.top < bottom;
  }

  /** Scrolls to a message and highlights it. Returns whether the message is in the list. */
  highlight(seq) {
    this.flush();
    const node = this.#nodes.get(seq);
    if (!node) return false;
    this.#followsEnd = false;
    node.scrollIntoView({ block: "center" });
    this.#lastTop = this.#scroller.scrollTop;
    node.classList.remove("highlighted");
    requestAnimationFrame(() => node.classList.add("highlighted"));
    return true;
  }

  #draw(seq) {
    const message = this.#timeline.get(seq);
    if (!message) return;
    const { previous, next } = this.#timeline.around(seq);
    const node = this.#on.draw(message);
    const old = this.#nodes.get(seq);
    const nextNode = next && this.#nodes.get(next.seq);
    if (old) replaceKeepingFocus(old, node);
    else this.#list.insertBefore(node, nextNode ?? null);
    this.#nodes.set(seq, node);
    groupWithPrevious(node, message, previous);
    if (nextNode && !old) groupWithPrevious(nextNode, next, message);
  }

  // Moving up leaves the end. What grows at the end does not.
  #noteScroll() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (!clientHeight) return; // a hidden list has no height and no scroll position
    const isNearEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (isNearEnd) this.#followsEnd = this.#on.reachesEnd();
    else if (scrollTop < this.#lastTop) this.#followsEnd = false;
    this.#lastTop = scrollTop;
  }

  #firstInView() {
    const { top } = this.#scroller.getBoundingClientRect();
    const nodes = this.#list.children;
    let [low, high] = [0, nodes.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nodes[middle].getBoundingClientRect().bottom <= top) low = middle + 1;
      else high = middle;
    }
    return nodes[low];
  }

  #stayAtEnd() {
    if (!this.#followsEnd) return;
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#lastTop = this.#scroller.scrollTop;
  }
}

function replaceKeepingFocus(old, node) {
  const key = old.contains(document.activeElement) && document.activeElement.dataset.focusKey;
  old.replaceWith(node);
  if (!key) return;
  node.querySelector(`[data-focus-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
