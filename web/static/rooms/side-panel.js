// The panel beside the open room: shows the room's details, one of its threads or its review queue.

import { byId } from "../lib/dom.js";
import { isComposing } from "../lib/input-method.js";
import { attempt } from "../lib/toast.js";
import { Composer } from "../messages/composer.js";
import { ThreadView } from "../messages/thread-view.js";
import { RoomDetails } from "./room-details.js";

export class SidePanel {
  #parley;
  #me;
  #actions;
  #details;
  #composer;
  #content = ""; // "details", "thread", "review"; empty: closed
  #thread = null;
  #reviewQueue = null;
  #focusedBefore = null;

  /** `actions.pending`: see `PendingMessages`; `actions.send(text, more)`,
   *  `actions.edit(message, text)`, `actions.typing()`. */
  constructor(parley, me, drafts, actions) {
    [this.#parley, this.#me, this.#actions] = [parley, me, actions];
    this.#details = new RoomDetails(parley, me);
    this.#composer = new Composer(byId("thread-composer"), drafts, {
      send: (text, reply_to) =>
        actions.send(text, { thread: this.#thread.seq, ...(reply_to && { reply_to }) }),
      edit: actions.edit,
      typing: actions.typing,
      editLast: () => this.#editLast(),
    });
    byId("side-panel-close").addEventListener("click", () => this.close());
    byId("side-panel").addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !isComposing(event)) this.close();
    });
  }

  get showsDetails() {
    return this.#content === "details";
  }

  get showsReviewQueue() {
    return this.#content === "review";
  }

  showsThread(seq) {
    return this.#thread?.seq === seq;
  }

  /** The composer for the thread. */
  get composer() {
    return this.#composer;
  }

  /** Message `seq` of the thread that is shown. */
  get(seq) {
    return this.#thread?.get(seq);
  }

  showReviewQueue(reviewQueue) {
    this.#open("review");
    this.#reviewQueue = reviewQueue;
    return reviewQueue.show();
  }

  showDetails(room, title, members) {
    if (!this.showsDetails) this.#open("details");
    this.#details.show(room, title, members);
  }

  /** Shows the thread of message `seq`; `items` are the outbox's. */
  async showThread(room, seq, items) {
    this.#open("thread");
    this.#thread = new ThreadView(this.#parley, room, seq, this.#me, this.#actions.pending);
    const thread = this.#thread;
    items.forEach((item) => thread.showPending(item));
    const loaded = thread.load();
    this.#composer.open(`${room}/${seq}`, async (quoted) => {
      await loaded;
      return thread.get(quoted);
    });
    this.#composer.focus();
    await attempt(loaded);
  }

  close() {
    if (!this.#content) return;
    this.#content = "";
    this.#closeContent();
    byId("side-panel").hidden = true;
    byId("side-panel-body").replaceChildren();
    document.body.classList.remove("with-side-panel");
    this.#focusedBefore?.focus?.({ preventScroll: true });
  }

  /** Applies an event of the stream. */
  apply(event) {
    this.#thread?.apply(event);
  }

  /** Shows an item of the outbox, if it belongs to the thread. */
  showPending(item) {
    this.#thread?.showPending(item);
  }

  #editLast() {
    const own = this.#thread.newestOwn;
    if (own) this.#composer.edit(own);
  }

  #open(content) {
    this.#closeContent();
    if (!this.#content) this.#focusedBefore = document.activeElement;
    this.#content = content;
    byId("side-panel").hidden = false;
    byId("thread-composer").hidden = content !== "thread";
    document.body.classList.add("with-side-panel");
  }

  #closeContent() {
    this.#reviewQueue?.hide();
    this.#reviewQueue = null;
    if (!this.#thread) return;
    this.#composer.close();
    this.#thread.close();
    this.#thread = null;
  }
}
