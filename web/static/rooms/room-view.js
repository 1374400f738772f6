// The open room: connects its messages, composer, members, receipts, typing indicator and side
// panel with each other and with the stream.

import { announce, unsay } from "../lib/announcer.js";
import { button, byId, joinNames, make } from "../lib/dom.js";
import { may, mayPost } from "../lib/permissions.js";
import { attempt, showToast } from "../lib/toast.js";
import { Composer } from "../messages/composer.js";
import { Drafts } from "../messages/drafts.js";
import { MessageActions } from "../messages/message-actions.js";
import { removesMessage } from "../messages/message-changes.js";
import { MessagePane } from "../messages/message-pane.js";
import { summaryOf } from "../messages/message-view.js";
import { Outboxes } from "../messages/outbox.js";
import { PendingMessages } from "../messages/pending-messages.js";
import { ReadReceipts } from "../messages/read-receipts.js";
import { TypingIndicator } from "../messages/typing-indicator.js";
import { ReviewQueue } from "../moderation/review-queue.js";
import { describeSanction } from "../moderation/sanctions.js";
import { backoff, mayPass } from "../parley.js";
import { Members } from "./members.js";
import { presenceDot } from "./presence.js";
import { SidePanel } from "./side-panel.js";

const PARTS = ["message-pane", "composer", "details-button", "typing-indicator"];
const SANCTION_EVENTS = ["sanction.set", "sanction.lifted"];

export class RoomView {
  #parley;
  #rooms;
  #presence;
  #outboxes;
  #composer;
  #sidePanel;
  // Of the open room:
  #pane = null;
  #members = null;
  #receipts = null;
  #typing = null;
  #pending = null;
  #reviewQueue = null;

  /** `rooms` is the room store. */
  constructor(parley, rooms, presence) {
    [this.#parley, this.#rooms, this.#presence] = [parley, rooms, presence];
    this.me = rooms.me;
    this.#outboxes = new Outboxes(parley, rooms.me, (room, item) => this.#showPending(room, item));
    const typing = () => this.#typing.tell();
    const edit = (message, text) => attempt(parley.edit(this.room, message.seq, text));
    const send = (text, more) => this.#send(text, more);
    const sendOrReply = (text, reply_to) => send(text, reply_to ? { reply_to } : {});
    const drafts = new Drafts(rooms.me);
    const editLast = () => this.#editLast();
    const on = { send: sendOrReply, edit, typing, editLast };
    this.#composer = new Composer(byId("composer"), drafts, on);
    const actions = { pending: this.#refusedActions, send, edit, typing };
    this.#sidePanel = new SidePanel(parley, rooms.me, drafts, actions);
    new MessageActions(parley, this);
    byId("jump-to-end").addEventListener("click", () => this.#pane.goToEnd());
    byId("jump-to-unread").addEventListener("click", () => attempt(this.#pane.goToUnread()));
    byId("details-button").addEventListener("click", () => this.#toggleDetails());
    byId("review-button").addEventListener("click", () => this.#toggleReviewQueue());
    this.#outboxes.restore();
  }

  /** The id of the open room; empty if none is open. */
  get room() {
    return this.#pane?.room ?? "";
  }

  get title() {
    return this.#pane ? this.#rooms.titleOf(this.#entry) : "";
  }

  /** The user's role in the open room. */
  get role() {
    return this.#members.roleOf(this.me) ?? "member";
  }

  // The open room in the room store.
  get #entry() {
    return this.#rooms.get(this.room);
  }

  /** Opens a room of the room store. Throws `Refused` if the server does not show it. */
  async open(room) {
    const drawn = () => this.#showReadBy();
    const added = (message) => this.#outboxes.messageCreated(message);
    const seen = (seq) => this.#entry.read < seq && this.#receipts.markRead(seq);
    const arrived = (message) => this.#announce(message);
    const lookAlike = (user) => this.#members.lookAlike(user);
    const on = { drawn, added, arrived, seen, lookAlike };
    this.#pane = new MessagePane(this.#parley, this.#rooms.get(room), this.me, on);
    this.#members = new Members(this.#parley, room);
    this.#receipts = new ReadReceipts(this.#parley, room, this.#entry.read);
    this.#typing = new TypingIndicator(this.#parley, room);
    this.#pending = new PendingMessages(byId("outbox"), this.me, this.#refusedActions);
    this.#composer.open(room, (seq) => this.#fetchMessage(room, seq));
    for (const id of PARTS) byId(id).hidden = false;
    for (const item of this.#outboxes.of(room).items) this.#showPending(room, item);
    this.#showHeader();
    if (matchMedia("(pointer: fine)").matches) this.#composer.focus();
    await this.#load(this.#pane);
  }

  close() {
    if (!this.#pane) return;
    unsay();
    this.#composer.close();
    this.#sidePanel.close();
    this.#typing.close();
    this.#reviewQueue?.close();
    this.#reviewQueue = null;
    byId("review-button").hidden = true;
    this.#pane.close();
    this.#pane = null;
    for (const id of PARTS) byId(id).hidden = true;
    for (const id of ["jump-to-end", "jump-to-unread"]) byId(id).hidden = true;
    byId("room-title").textContent = "Parley";
    byId("room-subtitle").replaceChildren();
  }

  /** Applies an event of the stream, of any room. */
  apply(event) {
    if (event.kind === "message.created") this.#outboxes.messageCreated(event);
    if (event.kind === "review") return this.#outboxes.reviewed(event);
    if (!this.#pane || event.room !== this.room) return;
    if (event.kind === "typing") return event.user !== this.me && this.#typing.started(event.user);
    if (event.kind === "unread") return this.#receipts.confirm(event.read);
    if (event.kind === "receipts") this.#receipts.update(event.read);
    if (event.kind === "message.created") {
      this.#typing.stopped(event.by);
      this.#receipts.update({ [event.by]: event.seq });
    }
    if (SANCTION_EVENTS.includes(event.kind) && event.user === this.me) {
      showToast(describeSanction(event, this.me));
    }
    if (removesMessage(event)) unsay();
    this.#pane.apply(event);
    this.#sidePanel.apply(event);
    const changed = event.kind.startsWith("message.") && this.#pane.get(event.seq);
    if (changed) {
      for (const composer of [this.#composer, this.#sidePanel.composer]) {
        composer.messageChanged(changed);
      }
    }
    if (this.#members.apply(event) || event.kind === "room.changed") this.#showHeader();
    if (event.looks_like) this.#pane.redraw();
    if (event.kind === "receipts") this.#showReadBy();
  }

  /** The room store has this room anew from the server. */
  roomChanged(room) {
    if (room === this.room && this.#entry) this.#showHeader();
  }

  /** Asks for what the stream does not repeat after a pause. */
  refresh() {
    if (this.#pane) this.#loadReceipts(this.#pane);
  }

  /** Loads the open room anew after a gap in the stream. */
  reset() {
    this.#sidePanel.close();
    const pane = this.#pane;
    pane.reset(this.#entry.seq);
    return this.#load(pane);
  }

  goTo(seq) {
    return this.#pane?.goTo(seq);
  }

  /** The message that contains a node, in the room or in the side panel. */
  messageAt(node) {
    const seq = Number(node.closest(".message")?.dataset.seq);
    return node.closest("#side-panel") ? this.#sidePanel.get(seq) : this.#pane.get(seq);
  }

  /** The composer beside a node: the room's or the thread's. */
  composerAt(node) {
    return node.closest("#side-panel") ? this.#sidePanel.composer : this.#composer;
  }

  showThread(seq) {
    this.#sidePanel.showThread(this.room, seq, this.#outboxes.of(this.room).items);
  }

  /** The other members who have read a message, if the room shows receipts. */
  readersOf({ seq, by }) {
    if (!this.#entry.settings.receipts) return [];
    const others = (user) => user !== this.me && user !== by && this.#members.roleOf(user);
    return this.#receipts.readersOf(seq).filter(others);
  }

  // Repeats until it succeeds or is refused. The stream goes on meanwhile; no message shows twice.
  async #load(pane, failures = 0) {
    try {
      await Promise.all([this.#members.load(), pane.load(this.#entry.seq)]);
      if (pane.isClosed) return;
      if (this.#members.hasLookAlikes) pane.redraw();
      this.#showHeader();
      await this.#loadReceipts(pane);
    } catch (error) {
      if (pane.isClosed) return;
      if (!mayPass(error)) throw error;
      setTimeout(() => pane.isClosed || this.#load(pane, failures + 1), backoff(failures));
    }
  }

  async #loadReceipts(pane) {
    if (this.#entry.settings.receipts) await this.#receipts.load().catch(() => {});
    if (!pane.isClosed) this.#showReadBy();
  }

  #showHeader() {
    const entry = this.#entry;
    const count = this.#members.all.length;
    byId("room-title").textContent = this.title;
    const unit = make("span", "unit", count === 1 ? " member" : " members");
    byId("member-count").replaceChildren(String(count), unit);
    const peer = this.#rooms.peerOf(entry);
    byId("room-subtitle").replaceChildren(...(peer ? [presenceDot(peer)] : [entry.topic ?? ""]));
    const { role } = this;
    const reason = whyNotWritable(entry, role, count > 0);
    this.#composer.disabledReason = this.#sidePanel.composer.disabledReason = reason;
    if (this.#sidePanel.showsDetails) {
      this.#sidePanel.showDetails(entry, this.title, this.#members);
    }
    this.#showReviewButton(role, entry);
    this.#presence.refreshDots();
  }

  // Only for moderators: opens the review queue, and shows how many items are in it.
  #showReviewButton(role, { type }) {
    const isModerator = may(role, "message.approve") && type !== "direct";
    if (isModerator === Boolean(this.#reviewQueue)) return;
    byId("review-button").hidden = !isModerator;
    this.#reviewQueue?.close();
    const count = (number) => (byId("review-count").textContent = number);
    this.#reviewQueue = isModerator
      ? new ReviewQueue(this.#parley, this.room, this.me, { count })
      : null;
  }

  #toggleReviewQueue() {
    if (this.#sidePanel.showsReviewQueue) return this.#sidePanel.close();
    this.#sidePanel.showReviewQueue(this.#reviewQueue);
  }

  #toggleDetails() {
    if (this.#sidePanel.showsDetails) return this.#sidePanel.close();
    this.#sidePanel.showDetails(this.#entry, this.title, this.#members);
    this.#presence.refreshDots();
  }

  #send(text, more) {
    this.#typing.sent();
    this.#outboxes.send(this.room, text, more);
  }

  #announce(message) {
    if (message.by === this.me || message.hidden) return;
    const several = (count) => `${count} new messages`;
    announce(`${message.by}: ${summaryOf(message)}`, several);
  }

  #editLast() {
    const own = this.#pane.newestOwn;
    if (own) this.#composer.edit(own);
  }

  async #fetchMessage(room, seq) {
    const known = room === this.room && this.#pane.get(seq);
    if (known) return known;
    const query = { after_seq: seq - 1, before_seq: seq + 1, limit: 1 };
    const { messages } = await this.#parley.history(room, query);
    return messages[0];
  }

  // An item of a room's outbox has a new state.
  #showPending(room, item) {
    if (room !== this.room) return;
    const isNew = this.#pending.show(item);
    if (item.seq) this.#pane.expect(item.seq);
    if (isNew) this.#pane.goToEnd();
    this.#sidePanel.showPending(item);
  }

  // What the user can do with a refused message.
  get #refusedActions() {
    const discard = ({ clientId }) => this.#outboxes.of(this.room).settle(clientId);
    const edit = (item) => {
      discard(item);
      const { thread } = item.more ?? {};
      if (thread && !this.#sidePanel.showsThread(thread)) this.showThread(thread);
      (thread ? this.#sidePanel.composer : this.#composer).putBack(item.text);
    };
    return { Edit: edit, Discard: discard };
  }

  // Below the user's newest message: how many have read it.
  #showReadBy() {
    document.querySelector("#message-list .read-by")?.remove();
    const own = this.#pane?.newestOwn;
    const readers = own ? this.readersOf(own) : [];
    if (!readers.length) return;
    const isDirect = this.#entry.type === "direct";
    const showNames = () => showToast(`Read by ${joinNames(readers)}`);
    const node = button("read-by", isDirect ? "Read" : `Read by ${readers.length}`, showNames);
    node.title = joinNames(readers);
    this.#pane.list.appendToFooter(own.seq, node);
  }
}

// Why this role may not write in a room; empty if it may, or while the members are not loaded.
function whyNotWritable({ archived, settings }, role, membersLoaded) {
  if (archived) return "This room is archived";
  if (!membersLoaded || mayPost(role, settings.post)) return "";
  return `Only for the role ${settings.post} and above`;
}
