// The open room with all that belongs to it: its head, its messages, writing, receipts, people.

import { Actions } from "../messages/message-actions.js";
import { Composer } from "../messages/composer.js";
import { Members } from "./members.js";
import { Outboxes } from "../messages/outbox.js";
import { Panel } from "./side-panel.js";
import { backoff, mayPass } from "../parley.js";
import { Pending } from "../messages/pending-messages.js";
import { dotOf } from "./presence.js";
import { Receipts } from "../messages/read-receipts.js";
import { Review } from "../moderation/review-queue.js";
import { may, mayPost } from "../lib/permissions.js";
import { Room } from "../messages/message-pane.js";
import { toldOf } from "../moderation/sanctions.js";
import { Typing } from "../messages/typing-indicator.js";
import { attempt, button, element, namesOf, tell } from "../lib/dom.js";

const PARTS = ["scroll", "write", "people", "typing"];
const ABOUT_ME = ["sanction.set", "sanction.lifted"];

export class Conversation {
  #parley;
  #rooms;
  #presence;
  #outboxes;
  #composer;
  #panel;
  #drafts = new Map();
  #room = null;
  #members = null;
  #receipts = null;
  #typing = null;
  #pending = null;
  #review = null;

  constructor(parley, rooms, presence) {
    [this.#parley, this.#rooms, this.#presence] = [parley, rooms, presence];
    this.me = rooms.me;
    this.#outboxes = new Outboxes(parley, rooms.me, (room, item) => this.#expect(room, item));
    const typing = () => this.#typing.say();
    const edit = (message, text) => attempt(parley.edit(this.room, message.seq, text));
    const send = (text, more) => this.#send(text, more);
    const reply = (text, reply_to) => send(text, reply_to ? { reply_to } : {});
    this.#composer = new Composer(element("write"), { send: reply, edit, typing });
    this.#panel = new Panel(parley, rooms.me, { pending: this.#refused, send, edit, typing });
    new Actions(parley, this);
    element("jump").addEventListener("click", () => this.#room.toEnd());
    element("people").addEventListener("click", () => this.#togglePeople());
    element("review").addEventListener("click", () => this.#toggleReview());
    this.#outboxes.restore();
  }

  /** The id of the open room; empty where none is. */
  get room() {
    return this.#room?.room ?? "";
  }

  get title() {
    return this.#room ? this.#rooms.nameOf(this.#entry) : "";
  }

  get role() {
    return this.#members.roleOf(this.me) ?? "member";
  }

  get #entry() {
    return this.#rooms.get(this.room);
  }

  /** Show a room that is in the list. Throws `Refused` where it can't be shown. */
  async open(room) {
    const drawn = () => this.#showSeen();
    const shown = (message) => this.#outboxes.settle(message);
    const seen = (seq) => this.#entry.read < seq && this.#receipts.seen(seq);
    this.#room = new Room(this.#parley, this.#rooms.get(room), this.me, { drawn, shown, seen });
    this.#members = new Members(this.#parley, room);
    this.#receipts = new Receipts(this.#parley, room, this.#entry.read);
    this.#typing = new Typing(this.#parley, room);
    this.#pending = new Pending(element("outbox"), this.me, this.#refused);
    this.#composer.draft = this.#drafts.get(room) ?? {};
    for (const id of PARTS) element(id).hidden = false;
    for (const item of this.#outboxes.of(room).items) this.#expect(room, item);
    this.#showHead();
    if (matchMedia("(pointer: fine)").matches) this.#composer.focus();
    await this.#load(this.#room);
  }

  close() {
    if (!this.#room) return;
    this.#drafts.set(this.room, this.#composer.draft);
    this.#panel.close();
    this.#typing.close();
    this.#review?.close();
    this.#review = null;
    element("review").hidden = true;
    this.#room.close();
    this.#room = null;
    for (const id of PARTS) element(id).hidden = true;
    element("jump").hidden = true;
    element("room").textContent = "Parley";
    element("about").replaceChildren();
  }

  /** An event of the stream, of any room. */
  take(event) {
    if (event.kind === "message.created") this.#outboxes.settle(event);
    if (event.kind === "review") return this.#outboxes.reviewed(event);
    if (!this.#room || event.room !== this.room) return;
    if (event.kind === "typing") return event.user !== this.me && this.#typing.heard(event.user);
    if (event.kind === "unread") return this.#receipts.known(event.read);
    if (event.kind === "receipts") this.#receipts.take(event.read);
    if (event.kind === "message.created") {
      this.#typing.stopped(event.by);
      this.#receipts.take({ [event.by]: event.seq });
    }
    if (ABOUT_ME.includes(event.kind) && event.user === this.me) tell(toldOf(event, this.me));
    this.#room.take(event);
    this.#panel.take(event);
    const touched = event.kind.startsWith("message.") && this.#room.get(event.seq);
    if (touched) [this.#composer, this.#panel.composer].forEach((one) => one.retell(touched));
    if (this.#members.take(event) || event.kind === "room.changed") this.#showHead();
    if (event.kind === "receipts") this.#showSeen();
  }

  /** The list has this room anew from the server. */
  changed(room) {
    if (room === this.room && this.#entry) this.#showHead();
  }

  /** What passes may have been missed: ask for it. */
  refresh() {
    if (this.#room) this.#loadReceipts(this.#room);
  }

  /** Events of this room are missing: load it anew. */
  reset() {
    this.#panel.close();
    const room = this.#room;
    room.reset(this.#entry.seq);
    return this.#load(room);
  }

  goTo(seq) {
    return this.#room?.goTo(seq);
  }

  /** The message that the page shows at a node, in the room or in the panel. */
  messageAt(node) {
    const seq = Number(node.closest(".message")?.dataset.seq);
    return node.closest("#panel") ? this.#panel.get(seq) : this.#room.get(seq);
  }

  /** The composer for what is at a node. */
  composerAt(node) {
    return node.closest("#panel") ? this.#panel.composer : this.#composer;
  }

  showThread(seq) {
    this.#panel.showThread(this.room, seq, this.#outboxes.of(this.room).items);
  }

  /** Who else has read a message, where the room shows that. */
  readersOf({ seq, by }) {
    if (!this.#entry.settings.receipts) return [];
    const others = (user) => user !== this.me && user !== by && this.#members.roleOf(user);
    return this.#receipts.readersOf(seq).filter(others);
  }

  // Until it works or is refused: the stream goes on meanwhile, and nothing is shown twice.
  async #load(room, failures = 0) {
    try {
      await Promise.all([this.#members.load(), room.load(this.#entry.seq)]);
      if (room.isClosed) return;
      this.#showHead();
      await this.#loadReceipts(room);
    } catch (error) {
      if (room.isClosed) return;
      if (!mayPass(error)) throw error;
      setTimeout(() => room.isClosed || this.#load(room, failures + 1), backoff(failures));
    }
  }

  async #loadReceipts(room) {
    if (this.#entry.settings.receipts) await this.#receipts.load().catch(() => {});
    if (!room.isClosed) this.#showSeen();
  }

  #showHead() {
    const entry = this.#entry;
    const count = this.#members.all.length;
    element("room").textContent = this.title;
    element("count").textContent = count === 1 ? "1 member" : `${count} members`;
    const other = this.#rooms.otherOf(entry);
    element("about").replaceChildren(...(other ? [dotOf(other)] : [entry.topic ?? ""]));
    const role = this.#members.roleOf(this.me) ?? "member";
    const barred = entry.archived
      ? "This room is archived"
      : mayPost(role, entry.settings.post) || !count ? "" : `Only from ${entry.settings.post} up`;
    this.#composer.barred = this.#panel.composer.barred = barred;
    if (this.#panel.showsPeople) this.#panel.showPeople(entry, this.title, this.#members);
    this.#showReview(role, entry);
    this.#presence.soon();
  }

  // For moderators: how much waits for them.
  #showReview(role, { type }) {
    const mine = may(role, "message.approve") && type !== "direct";
    if (mine === Boolean(this.#review)) return;
    element("review").hidden = !mine;
    this.#review?.close();
    const count = (number) => (element("waiting").textContent = number);
    this.#review = mine ? new Review(this.#parley, this.room, this.me, { count }) : null;
  }

  #toggleReview() {
    if (this.#panel.showsReview) return this.#panel.close();
    this.#panel.showReview(this.#review);
  }

  // Why nobody of this role writes here; empty: they do.
  #barred({ archived, settings }) {
    if (archived) return "This room is archived";
    const unknown = !this.#members.all.length;
    return unknown || mayPost(this.role, settings.post) ? "" : `Only from ${settings.post} up`;
  }

  #togglePeople() {
    if (this.#panel.showsPeople) return this.#panel.close();
    this.#panel.showPeople(this.#entry, this.title, this.#members);
    this.#presence.soon();
  }

  #send(text, more) {
    this.#typing.sent();
    this.#outboxes.of(this.room).add(text, more);
  }

  #expect(room, item) {
    if (room !== this.room) return;
    const isNew = this.#pending.show(item);
    if (item.seq) this.#room.expect(item.seq);
    if (isNew) this.#room.toEnd();
    this.#panel.expect(item);
  }

  get #refused() {
    const settle = ({ clientId }) => this.#outboxes.of(this.room).settle(clientId);
    const edit = (item) => {
      settle(item);
      (item.more?.thread ? this.#panel.composer : this.#composer).giveBack(item.text);
    };
    return { Edit: edit, Discard: settle };
  }

  // Below my newest message, who has read it.
  #showSeen() {
    document.querySelector("#log .seen")?.remove();
    const own = this.#room?.ownNewest;
    const readers = own ? this.readersOf(own) : [];
    if (!readers.length) return;
    const isDirect = this.#entry.type === "direct";
    const say = () => tell(`Read by ${namesOf(readers)}`);
    const node = button("seen", isDirect ? "Read" : `Read by ${readers.length}`, say);
    node.title = namesOf(readers);
    this.#room.log.append(own.seq, node);
  }
}
