// A thread in the panel: a message and the replies to it.

import { Log } from "./message-list.js";
import { messageNode } from "./message-view.js";
import { Pending } from "./pending-messages.js";
import { Timeline } from "./timeline.js";
import { element, make } from "../lib/dom.js";

const PAGE = 100;

export class Thread {
  #parley;
  #timeline = new Timeline();
  #closed = new AbortController();
  #log;
  #pending;
  #loading = false;
  #more = false;

  /** `actions`: as `Pending` takes them. */
  constructor(parley, room, seq, me, actions) {
    [this.#parley, this.room, this.seq] = [parley, room, seq];
    const list = make("ol", "");
    const pending = make("ol", "");
    element("panel-title").textContent = "Thread";
    element("panel-body").replaceChildren(list, pending);
    // In its own thread a message needs no word about that.
    const draw = (message) =>
      messageNode({ ...message, thread: 0, replies: 0 }, me, (quoted) => this.get(quoted));
    const moved = () => this.#log?.nearStart && this.#more && this.#load();
    this.#log = new Log(element("panel-body"), list, draw, moved, this.#closed.signal);
    this.#pending = new Pending(pending, me, actions);
  }

  get(seq) {
    return this.#timeline.get(seq);
  }

  async open() {
    const root = { after_seq: this.seq - 1, before_seq: this.seq + 1 };
    const { messages } = await this.#parley.history(this.room, { ...root, limit: 1 });
    messages.forEach((message) => this.#show(message));
    await this.#load();
  }

  close() {
    this.#closed.abort();
  }

  /** An event of the stream. */
  take(event) {
    for (const seq of this.#timeline.change(event)) this.#draw(seq);
    if (event.kind === "message.created" && event.thread === this.seq) this.#show(event);
  }

  /** An item of the outbox. */
  expect(item) {
    if (item.more?.thread !== this.seq) return;
    this.#pending.show(item);
    this.#log.toEnd();
  }

  // The newest replies, then those before them.
  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    const oldest = this.#timeline.newestFirst.findLast(({ seq }) => seq !== this.seq)?.seq;
    const query = { thread: this.seq, limit: PAGE, ...(oldest && { before_seq: oldest }) };
    const answer = await this.#parley.history(this.room, query).catch(() => null);
    this.#loading = false;
    if (!answer || this.#closed.signal.aborted) return;
    this.#more = answer.has_more;
    const show = () => answer.messages.forEach((message) => this.#show(message));
    if (oldest) this.#log.keepingPlace(show);
    else show();
  }

  #show(message) {
    if (this.#timeline.add(message)) this.#draw(message.seq);
  }

  #draw(seq) {
    this.#log.put(this.get(seq), this.#timeline.around(seq));
  }
}
