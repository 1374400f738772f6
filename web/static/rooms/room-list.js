// The list of the user's rooms in the sidebar, newest activity first: those that are scrolled to,
// and with a filter those whose title has its words.

import { avatarNode, byId, make, timeNode } from "../lib/dom.js";
import { drawSoon } from "../lib/frame.js";
import { presenceDot } from "./presence.js";

const MAX_COUNT = 999;
const STEP = 100; // rooms: as many more when the end is scrolled to
const MAX_FOUND = 20;
const NEAR_END = 600; // pixels

export class RoomList {
  #rooms;
  #hrefOf;
  #badgeOf;
  #drawn;
  #nodes = new Map(); // of the rooms in the list
  #changed = new Set();
  #most = STEP;
  #filter = "";
  #current = "";
  #draw = () => this.#drawChanged();

  /**
   * `rooms` is the room store; `hrefOf(room)` returns the address that opens a room; `badgeOf(entry)`
   * the numbers of its badge; `drawn()` is called after each drawing.
   */
  constructor(rooms, hrefOf, { badgeOf, drawn }) {
    [this.#rooms, this.#hrefOf] = [rooms, hrefOf];
    [this.#badgeOf, this.#drawn] = [badgeOf, drawn];
    byId("rooms-section").addEventListener("scroll", ({ target }) => {
      const { scrollTop, scrollHeight, clientHeight } = target;
      const isNearEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
      if (!isNearEnd || this.#filter || this.#most >= this.#rooms.newestFirst.length) return;
      this.#most += STEP;
      drawSoon(this.#draw);
    }, { passive: true });
  }

  /** Draws all rooms anew. */
  drawAll() {
    this.#nodes.clear();
    byId("room-list").replaceChildren();
    this.#drawChanged();
  }

  /** Draws a room anew before the next frame; one that is no longer in the store goes. */
  draw(room) {
    this.#changed.add(room);
    drawSoon(this.#draw);
  }

  /** Marks the open room. */
  setCurrent(room) {
    this.#nodes.get(this.#current)?.firstChild.removeAttribute("aria-current");
    this.#current = room;
    this.#nodes.get(room)?.firstChild.setAttribute("aria-current", "page");
  }

  /** Shows only the rooms whose title has each word of a text; all, if it is empty. */
  filter(text) {
    this.#filter = fold(text).trim();
    drawSoon(this.#draw);
  }

  #drawChanged() {
    const list = byId("room-list");
    const shown = this.#shown();
    const kept = new Set(shown.map(({ room }) => room));
    for (const [room, node] of this.#nodes) {
      if (kept.has(room)) continue;
      node.remove();
      this.#nodes.delete(room);
    }
    let place = list.firstChild;
    for (const entry of shown) {
      const node = this.#nodeOf(entry);
      if (node === place) place = place.nextSibling;
      else moveKeepingFocus(list, node, place);
    }
    this.#changed.clear();
    byId("rooms-section").hidden = Boolean(this.#filter) && !shown.length;
    byId("no-rooms").hidden = this.#rooms.newestFirst.length > 0;
    this.#drawn();
  }

  #shown() {
    const all = this.#rooms.newestFirst;
    if (!this.#filter) return all.slice(0, this.#most);
    const words = this.#filter.split(/\s+/);
    const hasAll = (title) => words.every((word) => title.includes(word));
    return all.filter((entry) => hasAll(fold(this.#rooms.titleOf(entry)))).slice(0, MAX_FOUND);
  }

  // The node that is there, or a new one in its place if the room has changed.
  #nodeOf(entry) {
    const old = this.#nodes.get(entry.room);
    if (old && !this.#changed.has(entry.room)) return old;
    const content = this.#linkNode(entry);
    if (!old) {
      const item = make("li", "", content);
      this.#nodes.set(entry.room, item);
      return item;
    }
    const hadFocus = old.contains(document.activeElement);
    old.replaceChildren(content);
    if (hadFocus) content.focus({ preventScroll: true });
    return old;
  }

  #linkNode(entry) {
    const title = this.#rooms.titleOf(entry);
    const link = make("a", "list-entry", this.#avatar(entry, title), make("bdi", "title", title));
    link.href = this.#hrefOf(entry.room);
    link.dataset.room = entry.room;
    link.classList.toggle("unread", entry.unread > 0);
    if (entry.room === this.#current) link.setAttribute("aria-current", "page");
    if (entry.at_ms) link.append(timeNode(entry.at_ms, { short: true }));
    link.append(this.#preview(entry), badgesNode(this.#badgeOf(entry)));
    return link;
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

const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

function moveKeepingFocus(list, node, place) {
  const focused = node.contains(document.activeElement) && document.activeElement;
  list.insertBefore(node, place);
  if (focused) focused.focus({ preventScroll: true });
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
