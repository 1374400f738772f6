// The list of the user's rooms in the sidebar, newest activity first.

import { avatarNode, byId, make, timeNode } from "../lib/dom.js";
import { presenceDot } from "./presence.js";

const MAX_COUNT = 999;

export class RoomList {
  #rooms;
  #hrefOf;
  #badgeOf;
  #nodes = new Map();
  #current = "";

  /**
   * `rooms` is the room store; `hrefOf(room)` returns the address that opens a room, and
   * `badgeOf(entry)` the numbers of its badge.
   */
  constructor(rooms, hrefOf, badgeOf) {
    [this.#rooms, this.#hrefOf, this.#badgeOf] = [rooms, hrefOf, badgeOf];
  }

  drawAll() {
    this.#nodes.clear();
    const items = this.#rooms.newestFirst.map((room) => this.#itemNode(room));
    byId("room-list").replaceChildren(...items);
    this.#showWhetherEmpty();
  }

  /** Draws one room anew, in its place; a room that is no longer in the store goes. */
  draw(room) {
    const old = this.#nodes.get(room);
    const entry = this.#rooms.get(room);
    if (entry) this.#insert(entry, old);
    else this.#nodes.delete(room);
    old?.remove();
    this.#showWhetherEmpty();
  }

  /** Marks the open room. */
  setCurrent(room) {
    this.#nodes.get(this.#current)?.firstChild.removeAttribute("aria-current");
    this.#current = room;
    this.#nodes.get(room)?.firstChild.setAttribute("aria-current", "page");
  }

  #insert(entry, old) {
    const node = this.#itemNode(entry);
    const order = this.#rooms.newestFirst;
    const next = order[order.findIndex(({ room }) => room === entry.room) + 1];
    const hadFocus = old?.contains(document.activeElement);
    byId("room-list").insertBefore(node, (next && this.#nodes.get(next.room)) ?? null);
    if (hadFocus) node.firstChild.focus({ preventScroll: true });
  }

  #showWhetherEmpty() {
    byId("no-rooms").hidden = this.#nodes.size > 0;
  }

  #itemNode(entry) {
    const title = this.#rooms.titleOf(entry);
    const link = make("a", "list-entry", this.#avatar(entry, title), make("bdi", "title", title));
    link.href = this.#hrefOf(entry.room);
    link.dataset.room = entry.room;
    link.classList.toggle("unread", entry.unread > 0);
    if (entry.room === this.#current) link.setAttribute("aria-current", "page");
    if (entry.at_ms) link.append(timeNode(entry.at_ms, { short: true }));
    link.append(this.#preview(entry), badgesNode(this.#badgeOf(entry)));
    const item = make("li", "", link);
    this.#nodes.set(entry.room, item);
    return item;
  }

  #avatar(entry, title) {
    const peer = this.#rooms.peerOf(entry);
    const node = make("span", "avatar-with-dot", avatarNode(peer ?? title));
    if (peer) node.append(presenceDot(peer));
    return node;
  }

  #preview({ last, archived, type }) {
    const node = make("span", "preview");
    if (archived) node.append("Archived");
    else if (!last) node.append(type === "public" ? "Public room" : "No messages yet");
    else if (!last.by) node.append("…"); // a shadow-hidden message of somebody else
    else {
      const text = make("bdi", "", last.text.replaceAll("\n", " ") || "…");
      node.append(make("bdi", "", last.by === this.#rooms.me ? "You" : last.by), ": ", text);
    }
    return node;
  }
}

function badgesNode({ unread, mentions }) {
  const node = make("span", "badges");
  if (mentions) node.append(badge("badge mentions", `@${mentions}`, `${mentions} mentions`));
  if (unread) {
    const count = unread > MAX_COUNT ? `${MAX_COUNT}+` : String(unread);
    node.append(badge("badge", count, `${unread} unread`));
  }
  return node;
}

function badge(className, text, label) {
  const node = make("span", className, text);
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", label);
  return node;
}
