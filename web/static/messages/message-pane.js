// The open room: its messages out of history and stream, put together by `seq`.

import { Log } from "./message-list.js";
import { messageNode } from "./message-view.js";
import { backoff } from "../parley.js";
import { Quotes } from "./quoted-messages.js";
import { Timeline } from "./timeline.js";
import { element } from "../lib/dom.js";

const PAGE = 50;

export class Room {
  #parley;
  #me;
  #on;
  #log;
  #quotes;
  #timeline = new Timeline();
  #closed = new AbortController();
  #read; // what had been read when it was opened
  #atEnd = true; // what is loaded reaches up to the newest message, or soon will
  #atStart = false; // and down to the first that is kept
  #busy = { older: false, newer: false, fill: false };

  /** The room as the list has it. `on.shown(message)` is called for each message that comes onto
   *  the page, `on.seen(seq)` where all up to it is on view, `on.drawn()` after each change. */
  constructor(parley, { room, read, seq }, me, on) {
    [this.#parley, this.room, this.#me, this.#on] = [parley, room, me, on];
    this.#read = read < seq ? read : Infinity;
    const { signal } = this.#closed;
    const draw = (message) => {
      const node = messageNode(message, me, (seq) => this.#quoted(seq));
      node.classList.toggle("first-new", message.seq === this.#read + 1 && message.by !== me);
      return node;
    };
    const [scroll, list] = [element("scroll"), element("log")];
    this.#log = new Log(scroll, list, draw, () => this.#moved(), signal);
    const asNow = (message) => this.#timeline.asNow(message);
    this.#quotes = new Quotes(parley, room, asNow, (seq) => {
      this.#drawQuoting(seq);
      this.#on.drawn();
    });
    element("start").textContent = "";
    element("jump").hidden = true;
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
  }

  get log() {
    return this.#log;
  }

  get isClosed() {
    return this.#closed.signal.aborted;
  }

  get(seq) {
    return this.#timeline.get(seq);
  }

  /** My newest message that is on the page. */
  get ownNewest() {
    return this.#timeline.newestFirst.find(({ by, deleted }) => by === this.#me && !deleted);
  }

  close() {
    this.#closed.abort();
    this.#log.empty();
  }

  /** Load the newest page anew. `head`: the room's last `seq`. */
  async load(head) {
    this.#timeline.expect(head);
    const { messages, has_more } = await this.#parley.history(this.room, { limit: PAGE });
    if (this.isClosed) return;
    const last = messages.at(-1)?.seq ?? 0;
    const later = this.#timeline.newestFirst.filter(({ seq }) => seq > last).reverse();
    this.#empty();
    this.#atEnd = true;
    this.#log.toEnd();
    [...messages, ...later].forEach((message) => this.#show(message));
    this.#sayStart(has_more);
    this.#settle();
  }

  /** Something of the stream is missing: what is on the page may be old. */
  reset(head) {
    this.#timeline.empty({ changes: true });
    return this.load(head);
  }

  /** An event of the stream. */
  take(event) {
    const touched = this.#timeline.change(event);
    this.#quotes.change(event);
    for (const seq of touched) this.#drawAgain(seq);
    if (event.kind === "message.created") this.#said(event);
    else if (touched.length) this.#on.drawn();
  }

  /** The room has messages up to `seq`: see to it that they are on the page. */
  expect(seq) {
    this.#timeline.expect(seq);
    this.#fill();
  }

  /** To the newest message. */
  async toEnd() {
    element("jump").hidden = true;
    if (!this.#atEnd) await this.load(0).catch(() => {});
    this.#log.toEnd();
    this.#look();
  }

  /** Bring message `seq` into view, from however far back. */
  async goTo(seq) {
    if (this.#log.point(seq)) return this.#jumpable();
    const query = { after_seq: Math.max(0, seq - PAGE / 2), limit: PAGE };
    const { messages } = await this.#parley.history(this.room, query);
    if (this.isClosed || !messages.length) return;
    this.#empty();
    this.#atEnd = messages.at(-1).seq >= this.#timeline.head;
    messages.forEach((message) => this.#show(message));
    this.#sayStart(this.#timeline.oldest > 1);
    this.#log.point(seq);
    this.#jumpable();
    this.#on.drawn();
  }

  #empty() {
    this.#timeline.empty();
    this.#log.empty();
  }

  #said(message) {
    const joins = this.#atEnd || this.#timeline.newest === message.seq - 1;
    if (joins ? !this.#show(message) : this.#timeline.expect(message.seq)) return;
    this.#settle();
  }

  #settle() {
    if (!this.#log.follow) this.#jumpable();
    this.#on.drawn();
    this.#fill();
    this.#look();
  }

  #jumpable() {
    element("jump").hidden = this.#log.follow && this.#atEnd;
  }

  #show(message) {
    if (!this.#timeline.add(message)) return false;
    this.#drawAgain(message.seq);
    this.#on.shown(message);
    return true;
  }

  #drawAgain(seq) {
    this.#log.put(this.#timeline.get(seq), this.#timeline.around(seq));
    this.#drawQuoting(seq);
  }

  #quoted(seq) {
    return this.#timeline.get(seq) ?? this.#quotes.get(seq);
  }

  #drawQuoting(quoted) {
    for (const node of document.querySelectorAll(`#log .quote[data-of="${quoted}"]`)) {
      const seq = Number(node.closest(".message").dataset.seq);
      this.#log.put(this.#timeline.get(seq), this.#timeline.around(seq));
    }
  }

  // All is read that is loaded without a hole and on view.
  #look() {
    const { newest, head } = this.#timeline;
    if (this.#atEnd && newest && newest === head && this.#log.endIsSeen) this.#on.seen(newest);
  }

  #moved() {
    if (this.#log.follow && this.#atEnd) element("jump").hidden = true;
    this.#look();
    if (this.#log.nearStart) this.#loadOlder();
    if (!this.#atEnd && this.#log.nearEnd) this.#loadNewer();
  }

  // Stream and history may leave a hole for a moment, as the archive comes after the stream and
  // an answer may come before both.
  async #fill() {
    if (this.#busy.fill) return;
    this.#busy.fill = true;
    const hole = () => !this.isClosed && this.#atEnd && this.#timeline.hole();
    for (let failures = 0; hole() && failures < 8; ) {
      await new Promise((resume) => setTimeout(resume, backoff(failures) / 2));
      if (hole()) failures = (await this.#fetch(hole())) ? 0 : failures + 1;
    }
    this.#busy.fill = false;
  }

  // Whether that brought anything.
  async #fetch(query) {
    const asked = this.#parley.history(this.room, { ...query, limit: PAGE });
    const { messages = [] } = await asked.catch(() => ({}));
    if (this.isClosed) return false;
    const found = messages.map((message) => this.#show(message)).some(Boolean);
    if (found) this.#settle();
    return found;
  }

  async #loadNewer() {
    if (this.#busy.newer) return;
    this.#busy.newer = true;
    await this.#fetch({ after_seq: this.#timeline.newest });
    this.#atEnd = this.#timeline.newest >= this.#timeline.head;
    this.#busy.newer = false;
  }

  async #loadOlder() {
    const oldest = this.#timeline.oldest;
    if (this.#busy.older || this.#atStart || !oldest) return;
    this.#busy.older = true;
    try {
      const query = { before_seq: oldest, limit: PAGE };
      const { messages, has_more } = await this.#parley.history(this.room, query);
      if (this.isClosed) return;
      this.#log.keepingPlace(() => messages.forEach((message) => this.#show(message)));
      this.#sayStart(has_more);
    } catch {
      element("start").textContent = "Earlier messages could not be loaded. Scroll to try again.";
    } finally {
      this.#busy.older = false;
    }
  }

  #sayStart(more) {
    this.#atStart = !more;
    const isFirst = this.#timeline.oldest <= 1;
    const start = isFirst ? "This is where the room begins." : "What was before is not kept.";
    element("start").textContent = more ? "Earlier messages …" : start;
  }
}
