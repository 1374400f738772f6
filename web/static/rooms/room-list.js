// The list of my rooms, newest activity first.

import { dotOf } from "./presence.js";
import { element, faceOf, make, timeNode } from "../lib/dom.js";

export class List {
  #rooms;
  #hrefOf;
  #nodes = new Map();
  #open = "";

  /** `hrefOf(room)`: the address that opens it. */
  constructor(rooms, hrefOf) {
    [this.#rooms, this.#hrefOf] = [rooms, hrefOf];
  }

  /** Show all rooms anew. */
  showAll() {
    this.#nodes.clear();
    const items = this.#rooms.newestFirst.map((room) => this.#nodeOf(room));
    element("rooms").replaceChildren(...items);
    this.#sayNone();
  }

  /** Show one room anew, in its place. */
  show(room) {
    const before = this.#nodes.get(room);
    const entry = this.#rooms.get(room);
    if (entry) this.#place(entry, before);
    else this.#nodes.delete(room);
    if (entry || before) before?.remove();
    this.#sayNone();
  }

  /** Mark the room that is open. */
  mark(room) {
    this.#nodes.get(this.#open)?.firstChild.removeAttribute("aria-current");
    this.#open = room;
    this.#nodes.get(room)?.firstChild.setAttribute("aria-current", "page");
  }

  #place(entry, before) {
    const node = this.#nodeOf(entry);
    const order = this.#rooms.newestFirst;
    const next = order[order.findIndex(({ room }) => room === entry.room) + 1];
    const focused = before?.contains(document.activeElement);
    element("rooms").insertBefore(node, (next && this.#nodes.get(next.room)) ?? null);
    if (focused) node.firstChild.focus({ preventScroll: true });
  }

  #sayNone() {
    element("none").hidden = this.#nodes.size > 0;
  }

  #nodeOf(entry) {
    const name = this.#rooms.nameOf(entry);
    const link = make("a", "entry", this.#face(entry, name), make("bdi", "title", name));
    link.href = this.#hrefOf(entry.room);
    link.dataset.room = entry.room;
    link.classList.toggle("unread", entry.unread > 0);
    if (entry.room === this.#open) link.setAttribute("aria-current", "page");
    if (entry.at_ms) link.append(timeNode(entry.at_ms, { short: true }));
    link.append(this.#last(entry), this.#badges(entry));
    const item = make("li", "", link);
    this.#nodes.set(entry.room, item);
    return item;
  }

  #face(entry, name) {
    const other = this.#rooms.otherOf(entry);
    const face = make("span", "who", faceOf(other ?? name));
    if (other) face.append(dotOf(other));
    return face;
  }

  #last({ last, archived, type }) {
    const node = make("span", "last");
    if (archived) node.append("Archived");
    else if (!last) node.append(type === "public" ? "Public room" : "No messages yet");
    else if (!last.by) node.append("…"); // nobody is to see what it was
    else {
      const text = make("bdi", "", last.text.replaceAll("\n", " ") || "…");
      node.append(make("bdi", "by", last.by === this.#rooms.me ? "You" : last.by), ": ", text);
    }
    return node;
  }

  #badges({ unread, mentions }) {
    const node = make("span", "badges");
    if (mentions) node.append(badge("badge mentions", `@${mentions}`, `${mentions} mentions`));
    if (unread) node.append(badge("badge", count(unread), `${unread} unread`));
    return node;
  }
}

const count = (number) => (number > 999 ? "999+" : String(number));

function badge(className, text, label) {
  const node = make("span", className, text);
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", label);
  return node;
}
