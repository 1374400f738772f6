// The panel beside the open room: about it and its people, one of its threads, its review queue.

import { Composer } from "../messages/composer.js";
import { People } from "./room-details.js";
import { Thread } from "../messages/thread-view.js";
import { attempt, element } from "../lib/dom.js";

export class Panel {
  #parley;
  #me;
  #actions;
  #people;
  #composer;
  #shows = ""; // "people", "thread", "review"
  #thread = null;
  #review = null;
  #back = null; // where the focus was

  /** `actions`: `pending` as `Pending` takes them; send(room, text, more), edit(message, text),
   *  typing(). */
  constructor(parley, me, actions) {
    [this.#parley, this.#me, this.#actions] = [parley, me, actions];
    this.#people = new People(parley, me);
    this.#composer = new Composer(element("answer"), {
      send: (text, reply_to) =>
        actions.send(text, { thread: this.#thread.seq, ...(reply_to && { reply_to }) }),
      edit: actions.edit,
      typing: actions.typing,
    });
    element("panel-close").addEventListener("click", () => this.close());
    element("panel").addEventListener("keydown", ({ key }) => key === "Escape" && this.close());
  }

  get showsPeople() {
    return this.#shows === "people";
  }

  get composer() {
    return this.#composer;
  }

  /** The message `seq` of the thread that is shown. */
  get(seq) {
    return this.#thread?.get(seq);
  }

  get showsReview() {
    return this.#shows === "review";
  }

  /** The queue of the open room. */
  showReview(review) {
    this.#open("review");
    this.#review = review;
    return review.show();
  }

  showPeople(room, title, members) {
    if (!this.showsPeople) this.#open("people");
    this.#people.show(room, title, members);
  }

  async showThread(room, seq, items) {
    this.#open("thread");
    this.#thread = new Thread(this.#parley, room, seq, this.#me, this.#actions.pending);
    this.#composer.draft = {};
    this.#composer.focus();
    items.forEach((item) => this.#thread.expect(item));
    await attempt(this.#thread.open());
  }

  close() {
    if (!this.#shows) return;
    this.#shows = "";
    this.#endThread();
    element("panel").hidden = true;
    element("panel-body").replaceChildren();
    document.body.classList.remove("with-panel");
    this.#back?.focus?.({ preventScroll: true });
  }

  take(event) {
    this.#thread?.take(event);
  }

  expect(item) {
    this.#thread?.expect(item);
  }

  #open(what) {
    this.#endThread();
    if (!this.#shows) this.#back = document.activeElement;
    this.#shows = what;
    element("panel").hidden = false;
    element("answer").hidden = what !== "thread";
    document.body.classList.add("with-panel");
  }

  #endThread() {
    this.#review?.hide();
    this.#review = null;
    this.#thread?.close();
    this.#thread = null;
  }
}
