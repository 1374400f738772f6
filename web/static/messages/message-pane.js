// The messages of the open room: loads history by pages, merges it with the stream, fills gaps.

import { byId } from "../lib/dom.js";
import { drawSoon } from "../lib/frame.js";
import { isFault } from "../lib/toast.js";
import { backoff } from "../parley.js";
import { MessageList } from "./message-list.js";
import { markLookAlike, messageNode } from "./message-view.js";
import { QuotedMessages } from "./quoted-messages.js";
import { Timeline } from "./timeline.js";

const PAGE = 50;
const MAX_LOADED = 400; // messages: beyond them, those that are the farthest away are dropped
const FILL_ATTEMPTS = 8;

export class MessagePane {
  #parley;
  #me;
  #on;
  #list;
  #quoted;
  #timeline = new Timeline();
  #closed = new AbortController();
  #readAtOpen; // the last message that was read when the room was opened
  #reachesEnd = true; // what is loaded reaches the newest message, or will once gaps are filled
  #reachesStart = false; // what is loaded reaches the first message that is kept
  #loading = { older: false, newer: false, gaps: false };
  #quoting = new Map(); // by `seq`: the messages on the page that quote it
  #settleSoon = () => this.isClosed || this.#settle();

  /** Takes the room as the room store has it. `on.added(message)` is called for each message that
   *  comes onto the page, `on.arrived(message)` for each that has just been sent, `on.seen(seq)`
   *  when the user has seen all up to `seq`, `on.drawn()` after each drawing; `on.lookAlike(user)`
   *  returns the member that a user's name looks like, or undefined. */
  constructor(parley, { room, read, seq }, me, on) {
    [this.#parley, this.room, this.#me, this.#on] = [parley, room, me, on];
    this.#readAtOpen = read < seq ? read : Infinity;
    const { signal } = this.#closed;
    const draw = (message) => {
      this.#noteQuote(message);
      const node = messageNode(message, me, (seq) => this.#quotedMessage(seq));
      markLookAlike(node, on.lookAlike(message.by));
      const isFirstUnread = message.seq === this.#readAtOpen + 1 && message.by !== me;
      node.classList.toggle("first-unread", isFirstUnread);
      return node;
    };
    const [scroller, list] = [byId("message-pane"), byId("message-list")];
    const drawn = () => on.drawn();
    const moved = () => this.#moved();
    const reachesEnd = () => this.#reachesEnd;
    const onList = { draw, drawn, moved, reachesEnd };
    this.#list = new MessageList(scroller, list, this.#timeline, onList, signal);
    const withChanges = (message) => this.#timeline.withChanges(message);
    const updated = (seq) => this.#redrawQuotesOf(seq);
    this.#quoted = new QuotedMessages(parley, room, withChanges, updated);
    byId("history-start").textContent = "";
    for (const id of ["jump-to-end", "jump-to-unread"]) byId(id).hidden = true;
    document.addEventListener("visibilitychange", () => this.#reportSeen(), { signal });
  }

  get list() {
    return this.#list;
  }

  get isClosed() {
    return this.#closed.signal.aborted;
  }

  get(seq) {
    return this.#timeline.get(seq);
  }

  /** The user's own newest loaded message. */
  get newestOwn() {
    return this.#timeline.newestOf(this.#me);
  }

  close() {
    this.#closed.abort();
    this.#list.clear();
  }

  /** Loads the newest page. `head` is the room's last `seq`. */
  async load(head) {
    this.#timeline.raiseHead(head);
    const { messages, has_more } = await this.#parley.history(this.room, { limit: PAGE });
    if (this.isClosed) return;
    const last = messages.at(-1)?.seq ?? 0;
    const later = this.#timeline.messages.filter(({ seq }) => seq > last);
    this.#clear();
    this.#reachesEnd = true;
    [...messages, ...later].forEach((message) => this.#add(message));
    this.#list.scrollToEnd();
    this.#showStart(has_more);
    const hasUnread = Number.isFinite(this.#readAtOpen);
    byId("jump-to-unread").hidden = !hasUnread || this.#list.isInView(this.#readAtOpen + 1);
    this.#settle();
  }

  /** Loads anew after a gap in the stream: the loaded messages may be out of date. */
  reset(head) {
    this.#timeline.clear({ changes: true });
    return this.load(head);
  }

  /** Applies an event of the stream. */
  apply(event) {
    const touched = this.#timeline.apply(event);
    this.#quoted.apply(event);
    for (const seq of touched) this.#put(seq);
    if (event.kind === "message.created") this.#messageCreated(event);
  }

  /** Sees to it that the messages up to `seq`, which the room has, come onto the page. */
  expect(seq) {
    this.#timeline.raiseHead(seq);
    this.#fillGaps();
  }

  async goToEnd() {
    byId("jump-to-end").hidden = true;
    if (!this.#reachesEnd) await this.load(0).catch(() => {});
    this.#list.scrollToEnd();
    this.#reportSeen();
  }

  /** Scrolls to the first message that was unread when the room was opened. */
  async goToUnread() {
    byId("jump-to-unread").hidden = true;
    await this.goTo(this.#readAtOpen + 1);
  }

  /** Draws all messages anew. */
  redraw() {
    for (const { seq } of this.#timeline.messages) this.#list.put(seq);
  }

  /** Scrolls to message `seq`, after loading the page around it if necessary. */
  async goTo(seq) {
    if (this.#list.highlight(seq)) return this.#updateJumpButton();
    const query = { after_seq: Math.max(0, seq - PAGE / 2), limit: PAGE };
    const { messages } = await this.#parley.history(this.room, query);
    if (this.isClosed || !messages.length) return;
    this.#clear();
    this.#reachesEnd = messages.at(-1).seq >= this.#timeline.head;
    messages.forEach((message) => this.#add(message));
    this.#showStart(this.#timeline.oldest > 1);
    this.#list.highlight(seq);
    this.#updateJumpButton();
  }

  #clear() {
    this.#timeline.clear();
    this.#list.clear();
    this.#quoting.clear();
  }

  #messageCreated(message) {
    const isFull = this.#timeline.size >= MAX_LOADED && !this.#list.followsEnd;
    const joinsOn = this.#reachesEnd || this.#timeline.newest === message.seq - 1;
    if (isFull || !joinsOn) {
      // What the user reads stays; the newest messages are loaded when they scroll down.
      this.#reachesEnd = false;
      this.#timeline.raiseHead(message.seq);
    } else if (!this.#add(message)) return;
    else if (this.#list.followsEnd) this.#dropOldest();
    this.#on.arrived(message);
    drawSoon(this.#settleSoon);
  }

  // Dropped messages are loaded again when the user scrolls to them.
  #dropOldest() {
    const dropped = this.#timeline.trim(MAX_LOADED);
    if (!dropped.length) return;
    this.#forget(dropped);
    this.#showStart(true);
  }

  #dropNewest() {
    const dropped = this.#timeline.trim(MAX_LOADED, { newest: true });
    if (!dropped.length) return;
    this.#forget(dropped);
    this.#reachesEnd = false;
  }

  #forget(dropped) {
    this.#list.remove(dropped);
    for (const { seq, reply_to, thread } of dropped) {
      this.#quoting.get(reply_to || thread)?.delete(seq);
    }
  }

  #settle() {
    this.#list.flush();
    if (!this.#list.followsEnd) this.#updateJumpButton();
    this.#fillGaps();
    this.#reportSeen();
  }

  #updateJumpButton() {
    byId("jump-to-end").hidden = this.#list.followsEnd && this.#reachesEnd;
  }

  #add(message) {
    if (!this.#timeline.add(message)) return false;
    this.#put(message.seq);
    this.#on.added(message);
    return true;
  }

  #put(seq) {
    this.#list.put(seq);
    this.#redrawQuotesOf(seq);
  }

  #redrawQuotesOf(seq) {
    this.#quoting.get(seq)?.forEach((quoting) => this.#list.put(quoting));
  }

  #noteQuote({ seq, reply_to, thread }) {
    const quoted = reply_to || thread;
    if (!quoted) return;
    if (!this.#quoting.has(quoted)) this.#quoting.set(quoted, new Set());
    this.#quoting.get(quoted).add(seq);
  }

  #quotedMessage(seq) {
    return this.#timeline.get(seq) ?? this.#quoted.get(seq);
  }

  // The room counts as read once it is loaded without a gap and its end is visible.
  #reportSeen() {
    const { newest, head } = this.#timeline;
    const isComplete = this.#reachesEnd && newest && newest === head;
    if (isComplete && this.#list.endIsVisible) this.#on.seen(newest);
  }

  #moved() {
    if (this.#list.isInView(this.#readAtOpen + 1)) byId("jump-to-unread").hidden = true;
    if (this.#list.followsEnd && this.#reachesEnd) byId("jump-to-end").hidden = true;
    this.#reportSeen();
    if (this.#list.nearStart) this.#loadOlder();
    if (!this.#reachesEnd && this.#list.nearEnd) this.#loadNewer();
  }

  // A gap may open for a moment between stream and history: the archive is behind the stream, and
  // a command's answer may arrive before both.
  async #fillGaps() {
    if (this.#loading.gaps) return;
    this.#loading.gaps = true;
    const gap = () => !this.isClosed && this.#reachesEnd && this.#timeline.firstGap();
    for (let failures = 0; gap() && failures < FILL_ATTEMPTS; ) {
      await new Promise((resolve) => setTimeout(resolve, backoff(failures) / 2));
      if (gap()) failures = (await this.#fetch(gap())) ? 0 : failures + 1;
    }
    this.#loading.gaps = false;
  }

  // Resolves to whether the page brought new messages.
  async #fetch(query) {
    const page = this.#parley.history(this.room, { ...query, limit: PAGE });
    const { messages = [] } = await page.catch(() => ({}));
    if (this.isClosed) return false;
    const found = messages.map((message) => this.#add(message)).some(Boolean);
    if (found) this.#settle();
    return found;
  }

  async #loadNewer() {
    if (this.#loading.newer) return;
    this.#loading.newer = true;
    await this.#fetch({ after_seq: this.#timeline.newest });
    this.#loading.newer = false;
    if (this.isClosed) return;
    this.#reachesEnd = this.#timeline.newest >= this.#timeline.head;
    this.#list.keepingPosition(() => this.#dropOldest());
  }

  async #loadOlder() {
    const oldest = this.#timeline.oldest;
    if (this.#loading.older || this.#reachesStart || !oldest) return;
    this.#loading.older = true;
    try {
      const query = { before_seq: oldest, limit: PAGE };
      const { messages, has_more } = await this.#parley.history(this.room, query);
      if (this.isClosed) return;
      this.#list.keepingPosition(() => {
        messages.forEach((message) => this.#add(message));
        this.#dropNewest();
      });
      this.#showStart(has_more);
    } catch (error) {
      if (isFault(error)) throw error;
      byId("history-start").textContent =
        "Earlier messages could not be loaded. Scroll to try again.";
    } finally {
      this.#loading.older = false;
    }
  }

  #showStart(hasMore) {
    this.#reachesStart = !hasMore;
    const isFirst = this.#timeline.oldest <= 1;
    const start = isFirst
      ? "This is where the room begins."
      : "Earlier messages are no longer kept.";
    byId("history-start").textContent = hasMore ? "Earlier messages …" : start;
  }
}
