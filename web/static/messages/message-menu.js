// What can be done with one message: a list of actions that opens beside it.

import { may } from "../lib/permissions.js";
import { button, element, make, namesOf } from "../lib/dom.js";

const EMOJIS = ["👍", "❤️", "😂", "🎉", "😮", "😢"];
const GAP = 4; // pixels

export class Menu {
  #node = element("menu");
  #on;

  /** `on`: react(message, emoji), reply, thread, edit, remove, report, sanction (message); readersOf(message). */
  constructor(on) {
    this.#on = on;
    this.#node.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Open it for a message, beside `anchor`, for somebody of this role. */
  open(message, anchor, { me, role, threads = true }) {
    const item = (label, act) => {
      const node = button("item", label, () => this.#do(() => act(message), anchor));
      node.setAttribute("role", "menuitem");
      return node;
    };
    const own = message.by === me;
    const items = [item("Reply", this.#on.reply)];
    if (threads) items.push(item("Thread", this.#on.thread));
    if (message.text) items.push(item("Copy text", copy));
    if (own || may(role, "message.edit.any")) items.push(item("Edit", this.#on.edit));
    if (own || may(role, "message.delete.any")) items.push(item("Delete …", this.#on.remove));
    if (!own) items.push(item("Report …", this.#on.report));
    if (!own && may(role, "sanction")) items.push(item("Mute or ban …", this.#on.sanction));
    this.#node.replaceChildren(this.#emojis(message, anchor), ...items, ...this.#readers(message));
    this.#node.showPopover();
    this.#place(anchor);
    this.#node.querySelector("[role=menuitem]").focus({ preventScroll: true });
  }

  #do(act, anchor) {
    this.#node.hidePopover();
    anchor.focus?.({ preventScroll: true });
    act();
  }

  #emojis(message, anchor) {
    const react = (emoji) => this.#do(() => this.#on.react(message, emoji), anchor);
    const row = make("div", "emojis");
    for (const emoji of EMOJIS) {
      const node = button("", emoji, () => react(emoji));
      node.setAttribute("role", "menuitem");
      row.append(node);
    }
    const other = make("input", "");
    Object.assign(other, { placeholder: "Other", maxLength: 32, ariaLabel: "Another reaction" });
    const form = make("form", "other", other);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (other.value.trim()) react(other.value.trim());
    });
    row.append(form);
    return row;
  }

  #readers(message) {
    const readers = this.#on.readersOf(message);
    return readers.length ? [make("p", "readers", `Read by ${namesOf(readers)}`)] : [];
  }

  // Below the anchor where there is room, else above; on a phone the style puts it at the bottom.
  #place(anchor) {
    const { top, bottom, right } = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#node;
    const below = bottom + GAP + height <= innerHeight;
    const left = Math.max(GAP, Math.min(right - width, innerWidth - width - GAP));
    this.#node.style.left = `${left}px`;
    this.#node.style.top = `${Math.max(GAP, below ? bottom + GAP : top - GAP - height)}px`;
  }

  #pressed(event) {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    if (!step || event.target.matches("input")) return;
    event.preventDefault();
    const items = [...this.#node.querySelectorAll("[role=menuitem]")];
    const place = items.indexOf(document.activeElement) + step;
    items.at(place % items.length).focus();
  }
}

function copy({ text }) {
  // Only pages from https:// and localhost have a clipboard.
  navigator.clipboard?.writeText(text).catch(() => {});
}
