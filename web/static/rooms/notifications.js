// Notifications of the browser while the page is in the background: of mentions, and of messages in
// direct rooms. The user turns them on, in each browser.

import { byId } from "../lib/dom.js";
import { browserStorage } from "../lib/storage.js";
import { showToast } from "../lib/toast.js";
import { summaryOf } from "../messages/message-view.js";

const KEY = "parley notify";
const READ_ELSEWHERE_MS = 2000; // a message that is read by then, in another tab, needs no notice

export class Notifications {
  #rooms;
  #open;
  #button = byId("notify");

  /** `rooms` is the room store; `open(room)` shows a room. */
  constructor(rooms, open) {
    [this.#rooms, this.#open] = [rooms, open];
    // Only pages from https:// and localhost have them, and not in every browser.
    if (!globalThis.Notification) return;
    this.#button.hidden = false;
    this.#button.addEventListener("click", () => this.#toggle());
    this.#show();
  }

  /** Applies an event of the stream. */
  apply({ kind, room, seq, by, text, hidden, mentions = [], everyone = false }) {
    if (kind !== "message.created" || hidden || by === this.#rooms.me) return;
    if (!document.hidden || !this.#isOn) return;
    const entry = this.#rooms.get(room);
    const isMine = everyone || mentions.includes(this.#rooms.me) || entry?.type === "direct";
    if (!entry || !isMine) return;
    setTimeout(() => {
      if (document.hidden && entry.read < seq) this.#notify(entry, { seq, by, text });
    }, READ_ELSEWHERE_MS);
  }

  get #isOn() {
    const isAllowed = globalThis.Notification?.permission === "granted";
    return isAllowed && browserStorage.get(KEY) === "on";
  }

  #notify(entry, { seq, by, text }) {
    const title = this.#rooms.titleOf(entry);
    const body = title === by ? summaryOf({ text }) : `${by}: ${summaryOf({ text })}`;
    // Every tab of the browser says so: the tag lets it be shown once.
    const notification = newNotification(title, { body, tag: `${entry.room}/${seq}` });
    if (!notification) return;
    notification.onclick = () => {
      focus();
      this.#open(entry.room);
      notification.close();
    };
  }

  async #toggle() {
    if (this.#isOn) browserStorage.set(KEY, "off");
    else if ((await Notification.requestPermission()) === "granted") browserStorage.set(KEY, "on");
    else showToast("Your browser does not allow notifications of this page.");
    this.#show();
  }

  #show() {
    this.#button.setAttribute("aria-pressed", this.#isOn);
  }
}

// Chrome on Android has the class, and lets only service workers use it.
function newNotification(title, options) {
  try {
    return new Notification(title, options);
  } catch {
    return null;
  }
}
