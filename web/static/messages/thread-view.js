// A thread in the side panel: its root message and the replies to it.

import { byId, make } from "../lib/dom.js";
import { MessageList } from "./message-list.js";
import { messageNode } from "./message-view.js";
import { PendingMessages } from "./pending-messages.js";
import { Timeline } from "./timeline.js";

const PAGE = 100;

export class ThreadView {
  #parley;
  #timeline = new Timeline();
  #closed = new AbortController();
  #list;
  #pending;
  #me;
  #loading = false;
  #hasMore = false;

  /** `seq` is the root's. `pendingActions`: see `PendingMessages`. */
  constructor(parley, room, seq, me, pendingActions) {
    [this.#parley, this.room, this.seq, this.#me] = [parley, room, seq, me];
    const list = make("ol", "");
    const pending = make("ol", "");
    byId("side-panel-title").textContent = "Thread";
    byId("side-panel-body").replaceChildren(list, pending);
    // Inside the thread, a message shows neither its thread nor the number of replies.
    const draw = (message) =>
      messageNode({ ...message, thread: 0, replies: 0 }, me, (quoted) => this.get(quoted));
    const moved = () => this.#list?.nearStart && this.#hasMore && this.#loadReplies();
    const on = { draw, drawn: () => {}, moved, reachesEnd: () => true };
    const { signal } = this.#closed;
    this.#list = new MessageList(byId("side-panel-body"), list, this.#timeline, on, signal);
    this.#pending = new PendingMessages(pending, me, pendingActions);
  }

  get(seq) {
    return this.#timeline.get(seq);
  }

  /** The user's own newest loaded message. */
  get newestOwn() {
    return this.#timeline.newestOf(this.#me);
  }

  /** Loads the root and the newest replies. */
  async load() {
    const root = { after_seq: this.seq - 1, before_seq: this.seq + 1 };
    const { messages } = await this.#parley.history(this.room, { ...root, limit: 1 });
    messages.forEach((message) => this.#add(message));
    await this.#loadReplies();
  }

  close() {
    this.#closed.abort();
  }

  /** Applies an event of the stream. */
  apply(event) {
    for (const seq of this.#timeline.apply(event)) this.#list.put(seq);
    if (event.kind === "message.created" && event.thread === this.seq) this.#add(event);
  }

  /** Shows an item of the outbox, if it belongs to this thread. */
  showPending(item) {
    if (item.more?.thread !== this.seq) return;
    this.#pending.show(item);
    this.#list.scrollToEnd();
  }

  // First the newest page of replies, then each time the page before.
  async #loadReplies() {
    if (this.#loading) return;
    this.#loading = true;
    const oldest = this.#timeline.messages.find(({ seq }) => seq !== this.seq)?.seq;
    const query = { thread: this.seq, limit: PAGE, ...(oldest && { before_seq: oldest }) };
    const page = await this.#parley.history(this.room, query).catch(() => null);
    this.#loading = false;
    if (!page || this.#closed.signal.aborted) return;
    this.#hasMore = page.has_more;
    const addAll = () => page.messages.forEach((message) => this.#add(message));
    if (oldest) this.#list.keepingPosition(addAll);
    else addAll();
  }

  #add(message) {
    if (this.#timeline.add(message)) this.#list.put(message.seq);
  }
}
