// The user's rooms: their titles, settings, last messages and unread counts, kept up to date by the
// stream.

import { own } from "../lib/own.js";
import { cut } from "../lib/text.js";
import { removesMessage } from "../messages/message-changes.js";

const PREVIEW_LENGTH = 140; // characters, as a reader counts them
const DEFAULT_SETTINGS = { slow_mode: 0, post: "member", receipts: true, retention_days: 0 };

export class RoomStore {
  #rooms = new Map();
  #sorted = [];
  #isSorted = true;

  constructor(me) {
    this.me = me;
  }

  get(room) {
    return this.#rooms.get(room);
  }

  /** The rooms by their newest message. */
  get newestFirst() {
    const newerFirst = (a, b) => b.at_ms - a.at_ms || (a.room < b.room ? -1 : 1);
    // The order of before is nearly the new one, which makes sorting fast.
    if (!this.#isSorted) this.#sorted.sort(newerFirst);
    this.#isSorted = true;
    return this.#sorted;
  }

  /** The number of unread messages in all rooms. */
  get unread() {
    return [...this.#rooms.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  /** Takes a room as the server shows it. Returns false if the stream has brought more already. */
  put(shown) {
    const known = this.#rooms.get(shown.room);
    if (known && known.n > shown.n) return false;
    const { members, member_count, ...room } = shown;
    if (known?.read > room.read) {
      const { read, unread, mentions } = known;
      Object.assign(room, { read, unread, mentions });
    }
    const entry = Object.assign(known ?? {}, { last: undefined }, room);
    if (!known) this.#sorted.push(entry);
    this.#isSorted = false;
    this.#rooms.set(room.room, entry);
    return true;
  }

  remove(room) {
    this.#rooms.delete(room);
    this.#sorted = this.#sorted.filter((other) => other.room !== room);
  }

  /** Applies an event of the stream. Returns true if the unread counts may now be wrong, and only
   *  the server can tell. */
  apply(event) {
    const room = this.#rooms.get(event.room);
    if (!room || event.n <= room.n) return false;
    room.n = event.n;
    if (event.kind === "message.created") this.#messageCreated(room, event);
    if (event.kind === "room.changed") {
      const { name = room.name, topic = room.topic, archived = room.archived } = event;
      const settings = event.settings ? { ...DEFAULT_SETTINGS, ...event.settings } : room.settings;
      Object.assign(room, { name, topic, archived, settings });
    }
    if (event.kind !== "message.edited" && !removesMessage(event)) return false;
    if (room.last?.seq === event.seq) room.last = { ...room.last, text: preview(event.text ?? "") };
    return event.seq > room.read;
  }

  /** Takes a room's unread counts after the user has read, here or on another device. */
  updateUnread({ room, read, unread, mentions }) {
    const known = this.#rooms.get(room);
    if (known && read >= known.read) Object.assign(known, { read, unread, mentions });
  }

  /** The rooms whose unread counts differ from the answer of `GET /v1/unread`. */
  withOtherCounts({ rooms }) {
    const none = { unread: 0, mentions: 0 };
    return [...this.#rooms.values()].filter(({ room, unread, mentions }) => {
      const counts = own(rooms, room) ?? none;
      return counts.unread !== unread || counts.mentions !== mentions;
    });
  }

  /** A room's title: its name, or the other user of a direct room. */
  titleOf({ room, name, users }) {
    if (!users) return name || room;
    return users.find((user) => user !== this.me) ?? `${this.me} (you)`;
  }

  /** The other user of a direct room; undefined for any other room. */
  peerOf({ users }) {
    return users && (users.find((user) => user !== this.me) ?? this.me);
  }

  #messageCreated(room, { seq, by, text, at_ms, hidden, mentions = [], everyone = false }) {
    Object.assign(room, { seq, at_ms, last: { seq, by, text: preview(text) } });
    this.#isSorted = false;
    if (by === this.me) return Object.assign(room, { read: seq, unread: 0, mentions: 0 });
    if (hidden) return; // a hidden message counts for nobody
    room.unread += 1;
    if (everyone || mentions.includes(this.me)) room.mentions += 1;
  }
}

const preview = (text) => cut(text, PREVIEW_LENGTH);
