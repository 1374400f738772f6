// All my rooms: what they are called, what was said last, what I have not read.

import { isGone } from "../messages/message-changes.js";

const DEFAULTS = { slow_mode: 0, post: "member", receipts: true, retention_days: 0 };
const PREVIEW = 140; // characters

export class Rooms {
  #rooms = new Map();

  constructor(me) {
    this.me = me;
  }

  get(room) {
    return this.#rooms.get(room);
  }

  /** Newest activity first. */
  get newestFirst() {
    return [...this.#rooms.values()].sort((a, b) => b.at_ms - a.at_ms || (a.room < b.room ? -1 : 1));
  }

  /** Messages not read, in all rooms. */
  get unread() {
    return [...this.#rooms.values()].reduce((sum, { unread }) => sum + unread, 0);
  }

  /** A room as the server shows it. False where the stream has brought more already. */
  take(shown) {
    const known = this.#rooms.get(shown.room);
    if (known && known.n > shown.n) return false;
    const { members, member_count, ...room } = shown;
    if (known?.read > room.read) {
      const { read, unread, mentions } = known;
      Object.assign(room, { read, unread, mentions });
    }
    this.#rooms.set(room.room, Object.assign(known ?? {}, { last: undefined }, room));
    return true;
  }

  drop(room) {
    this.#rooms.delete(room);
  }

  /** An event of the stream; "doubtful" where only the server can tell what is now unread. */
  apply(event) {
    const room = this.#rooms.get(event.room);
    if (!room || event.n <= room.n) return "";
    room.n = event.n;
    if (event.kind === "message.created") this.#said(room, event);
    if (event.kind === "room.changed") {
      const { name = room.name, topic = room.topic, archived = room.archived } = event;
      const settings = event.settings ? { ...DEFAULTS, ...event.settings } : room.settings;
      Object.assign(room, { name, topic, archived, settings });
    }
    if (event.kind !== "message.edited" && !isGone(event)) return "";
    if (room.last?.seq === event.seq) room.last = { ...room.last, text: preview(event.text ?? "") };
    return event.seq > room.read ? "doubtful" : "";
  }

  /** What is left after I have read, here or elsewhere. */
  left({ room, read, unread, mentions }) {
    const known = this.#rooms.get(room);
    if (known && read >= known.read) Object.assign(known, { read, unread, mentions });
  }

  /** The rooms whose counts are not those that `GET /v1/unread` says. */
  unlike({ rooms }) {
    const none = { unread: 0, mentions: 0 };
    return [...this.#rooms.values()].filter(({ room, unread, mentions }) => {
      const told = rooms[room] ?? none;
      return told.unread !== unread || told.mentions !== mentions;
    });
  }

  /** What a room is called; a direct one by the other person. */
  nameOf({ room, name, users }) {
    if (!users) return name || room;
    return users.find((user) => user !== this.me) ?? `${this.me} (you)`;
  }

  /** The other person of a direct room. */
  otherOf({ users }) {
    return users && (users.find((user) => user !== this.me) ?? this.me);
  }

  #said(room, { seq, by, text, at_ms, hidden, mentions = [], everyone = false }) {
    Object.assign(room, { seq, at_ms, last: { seq, by, text: preview(text) } });
    if (by === this.me) return Object.assign(room, { read: seq, unread: 0, mentions: 0 });
    if (hidden) return; // nobody counts it
    room.unread += 1;
    if (everyone || mentions.includes(this.me)) room.mentions += 1;
  }
}

const preview = (text) => text.slice(0, PREVIEW);
