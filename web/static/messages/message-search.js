// Full-text search for messages, in all rooms or only in the open one.

import { announce } from "../lib/announcer.js";
import { avatarNode, button, byId, make, nameNode, timeNode } from "../lib/dom.js";
import { isComposing } from "../lib/input-method.js";
import { cut, cutStart } from "../lib/text.js";
import { removesMessage } from "./message-changes.js";

const DEBOUNCE_MS = 300;
const PAGE = 20;
const EXCERPT = { before: 40, after: 120, unmatched: 160 }; // characters

export class MessageSearch {
  #parley;
  #on;
  #query = byId("search-query");
  #thisRoom = byId("search-this-room");
  #results = byId("search-results");
  #timer = 0;
  #lastRequest = 0; // only the last request's answer is shown

  /** `on.room()` returns the open room's id, `on.titleOf(room)` a room's title;
   *  `on.chosen(room, seq)` is called when the user picks a result, `on.typed(text)` with what they
   *  search for, or nothing. */
  constructor(parley, on) {
    [this.#parley, this.#on] = [parley, on];
    this.#query.addEventListener("input", () => this.#schedule());
    this.#thisRoom.addEventListener("change", () => this.#schedule(0));
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#schedule(0);
    });
    this.#query.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !isComposing(event)) this.close();
    });
  }

  close() {
    this.#query.value = "";
    this.#schedule(0);
  }

  /** Shows the results anew, as after midnight. */
  redraw() {
    if (this.#query.value.trim()) this.#schedule(0);
  }

  /** Searches again when an event of the stream changes a message among the results. */
  apply({ kind, room, seq }) {
    if (kind !== "message.edited" && !removesMessage({ kind })) return;
    if (this.#results.querySelector(`[data-message="${room}/${seq}"]`)) this.#schedule(0);
  }

  #schedule(delay = DEBOUNCE_MS) {
    clearTimeout(this.#timer);
    const text = this.#query.value.trim();
    byId("results-section").hidden = !text;
    byId("sidebar").classList.toggle("searching", Boolean(text));
    this.#on.typed(text);
    byId("search-scope").hidden = !text || !this.#on.room();
    if (!text) this.#results.replaceChildren();
    else this.#timer = setTimeout(() => this.#search(text), delay);
  }

  async #search(q, before = "") {
    const request = ++this.#lastRequest;
    const query = { q, limit: PAGE };
    if (this.#thisRoom.checked && this.#on.room()) query.room = this.#on.room();
    if (before) query.before = before;
    try {
      const page = await this.#parley.search(query);
      if (request === this.#lastRequest) this.#show(q, page, Boolean(before));
    } catch (error) {
      if (request === this.#lastRequest) this.#showText(error.message);
    }
  }

  #show(q, { results, has_more, before }, isNextPage) {
    if (!isNextPage) this.#results.replaceChildren();
    this.#results.querySelector(".more-results")?.remove();
    this.#results.append(...results.map((result) => this.#resultNode(result, q)));
    if (!this.#results.childElementCount) this.#showText("Nothing found.");
    const found = `${this.#results.childElementCount} messages found`;
    announce(results.length ? found : "Nothing found.", () => found);
    if (!has_more) return;
    const more = button("plain", "More", () => this.#search(q, before));
    this.#results.append(make("li", "more-results", more));
  }

  #showText(text) {
    this.#results.replaceChildren(make("li", "empty", text));
  }

  #resultNode({ room, seq, message }, q) {
    const excerpt = excerptNode(message.text, q);
    const preview = make("span", "preview", nameNode(message.by), ": ", excerpt);
    const node = button("list-entry", "", () => this.#on.chosen(room, seq));
    const title = make("bdi", "title", this.#on.titleOf(room));
    node.append(avatarNode(message.by), title, timeNode(message.at_ms, { short: true }), preview);
    const item = make("li", "", node);
    item.dataset.message = `${room}/${seq}`;
    return item;
  }
}

// The part of a text around the match, with the match marked.
function excerptNode(text, query) {
  const index = text.toLowerCase().indexOf(query.toLowerCase());
  const node = make("span", "");
  node.dir = "auto";
  if (index < 0 || !query) {
    node.textContent = cut(text, EXCERPT.unmatched);
    return node;
  }
  const end = index + query.length;
  const before = cutStart(text.slice(0, index), EXCERPT.before);
  const isCut = before.length < index;
  node.append(isCut ? "…" : "", before, make("mark", "", text.slice(index, end)));
  node.append(cut(text.slice(end), EXCERPT.after));
  return node;
}
