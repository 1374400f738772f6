// Drafts, by room and thread: kept at every keystroke, until they are sent.

import { browserStorage } from "../lib/storage.js";

const NONE = { text: "", reply_to: 0, editing: 0, edits: {} };

export class Drafts {
  #me;

  constructor(me) {
    this.#me = me;
  }

  /** The draft of a place: `text`; `reply_to`, the `seq` that it answers; `editing`, the `seq` of
   *  the message that is being edited; `edits`, unfinished edits by `seq`. */
  get(place) {
    try {
      return { ...NONE, ...JSON.parse(browserStorage.get(this.#key(place)) ?? "{}") };
    } catch {
      return { ...NONE }; // not written by this page
    }
  }

  set(place, draft) {
    const isEmpty = !draft.text && !draft.reply_to && !Object.keys(draft.edits).length;
    if (isEmpty) browserStorage.remove(this.#key(place));
    else browserStorage.set(this.#key(place), JSON.stringify(draft));
  }

  /** An edit was sent, perhaps after its place was left. */
  forgetEdit(place, seq) {
    const draft = this.get(place);
    delete draft.edits[seq];
    if (draft.editing === seq) draft.editing = 0;
    this.set(place, draft);
  }

  #key(place) {
    return `parley draft ${this.#me} ${place}`;
  }
}
