// The menu of actions for one message, which opens beside it.

import { button, byId, joinNames, make } from "../lib/dom.js";
import { may } from "../lib/permissions.js";

const EMOJIS = ["👍", "❤️", "😂", "🎉", "😮", "😢"];
const GAP = 4; // pixels

export class MessageMenu {
  #node = byId("message-menu");
  #on;

  /** `on.react(message, emoji)`; `on.reply`, `thread`, `edit`, `remove`, `report` and `sanction`,
   *  each called with the message; `on.readersOf(message)` returns names. */
  constructor(on) {
    this.#on = on;
    this.#node.addEventListener("keydown", (event) => this.#keyPressed(event));
  }

  /** Opens the menu for a message beside `anchor`, with the actions that `role` allows `me`. */
  open(message, anchor, { me, role, threads = true }) {
    const item = (label, action) =>
      button("menu-item", label, () => this.#run(() => action(message), anchor));
    const own = message.by === me;
    const items = [item("Reply", this.#on.reply)];
    if (threads) items.push(item("Thread", this.#on.thread));
    if (message.text) items.push(item("Copy text", copyText));
    if (own || may(role, "message.edit.any")) items.push(item("Edit", this.#on.edit));
    if (own || may(role, "message.delete.any")) items.push(item("Delete …", this.#on.remove));
    if (!own) items.push(item("Report …", this.#on.report));
    if (!own && may(role, "sanction")) items.push(item("Mute or ban …", this.#on.sanction));
    const emojis = this.#emojiRow(message, anchor);
    this.#node.replaceChildren(emojis, ...items, ...this.#readersLine(message));
    this.#node.showPopover();
    this.#placeBeside(anchor);
    this.#node.querySelector("button").focus({ preventScroll: true });
  }

  #run(action, anchor) {
    this.#node.hidePopover();
    anchor.focus?.({ preventScroll: true });
    action();
  }

  #emojiRow(message, anchor) {
    const react = (emoji) => this.#run(() => this.#on.react(message, emoji), anchor);
    const row = make("div", "emoji-row");
    row.append(...EMOJIS.map((emoji) => button("", emoji, () => react(emoji))));
    const custom = make("input", "");
    Object.assign(custom, { placeholder: "Other", maxLength: 32, ariaLabel: "Another reaction" });
    const form = make("form", "custom-emoji", custom);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (custom.value.trim()) react(custom.value.trim());
    });
    row.append(form);
    return row;
  }

  #readersLine(message) {
    const readers = this.#on.readersOf(message);
    return readers.length ? [make("p", "readers", `Read by ${joinNames(readers)}`)] : [];
  }

  // Below the anchor if it fits there, else above; on a phone, CSS puts the menu at the bottom.
  #placeBeside(anchor) {
    const { top, bottom, right } = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#node;
    const fitsBelow = bottom + GAP + height <= innerHeight;
    const left = Math.max(GAP, Math.min(right - width, innerWidth - width - GAP));
    this.#node.style.left = `${left}px`;
    this.#node.style.top = `${Math.max(GAP, fitsBelow ? bottom + GAP : top - GAP - height)}px`;
  }

  #keyPressed(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step || event.target.matches("input")) return;
    event.preventDefault();
    const items = [...this.#node.querySelectorAll("button")];
    const index = items.indexOf(document.activeElement) + step;
    items.at(index % items.length).focus();
  }
}

function copyText({ text }) {
  // Only pages from https:// and localhost have a clipboard.
  navigator.clipboard?.writeText(text).catch(() => {});
}
