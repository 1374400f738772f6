// Finding messages, in all rooms or in the open one.

import { isGone } from "./message-changes.js";
import { foundNode } from "./mentions.js";
import { button, element, faceOf, make, nameOf, timeNode } from "../lib/dom.js";

const PAUSE_MS = 300;
const PAGE = 20;

export class Search {
  #parley;
  #on;
  #query = element("query");
  #here = element("here");
  #results = element("results");
  #timer = 0;
  #asked = 0; // which answer counts: the last question's

  /** `on.room()`: the open room's id; `on.titleOf(room)`; `on.chosen(room, seq)`. */
  constructor(parley, on) {
    [this.#parley, this.#on] = [parley, on];
    this.#query.addEventListener("input", () => this.#soon());
    this.#here.addEventListener("change", () => this.#soon(0));
    element("find").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#soon(0);
    });
    this.#query.addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
  }

  close() {
    this.#query.value = "";
    this.#soon(0);
  }

  /** An event of the stream: what is found shows no text that is gone. */
  take({ kind, room, seq }) {
    if (kind !== "message.edited" && !isGone({ kind })) return;
    if (this.#results.querySelector(`[data-message="${room}/${seq}"]`)) this.#soon(0);
  }

  #soon(pause = PAUSE_MS) {
    clearTimeout(this.#timer);
    const text = this.#query.value.trim();
    element("found").hidden = !text;
    element("listed").hidden = Boolean(text);
    element("in-room").hidden = !text || !this.#on.room();
    if (!text) this.#results.replaceChildren();
    else this.#timer = setTimeout(() => this.#ask(text), pause);
  }

  async #ask(q, before = "") {
    const asked = ++this.#asked;
    const query = { q, limit: PAGE };
    if (this.#here.checked && this.#on.room()) query.room = this.#on.room();
    if (before) query.before = before;
    try {
      const answer = await this.#parley.search(query);
      if (asked === this.#asked) this.#show(q, answer, Boolean(before));
    } catch (error) {
      if (asked === this.#asked) this.#say(error.message);
    }
  }

  #show(q, { results, has_more, before }, isMore) {
    if (!isMore) this.#results.replaceChildren();
    this.#results.querySelector(".more-results")?.remove();
    this.#results.append(...results.map((result) => this.#nodeOf(result, q)));
    if (!this.#results.childElementCount) this.#say("Nothing found.");
    if (!has_more) return;
    const more = button("plain", "More", () => this.#ask(q, before));
    this.#results.append(make("li", "more-results", more));
  }

  #say(text) {
    this.#results.replaceChildren(make("li", "nothing", text));
  }

  #nodeOf({ room, seq, message }, q) {
    const said = make("span", "last", nameOf(message.by), ": ", foundNode(message.text, q));
    const node = button("entry", "", () => this.#on.chosen(room, seq));
    const title = make("bdi", "title", this.#on.titleOf(room));
    node.append(faceOf(message.by), title, timeNode(message.at_ms, { short: true }), said);
    const item = make("li", "", node);
    item.dataset.message = `${room}/${seq}`;
    return item;
  }
}
