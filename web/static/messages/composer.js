// The composer: a form for a new message, a reply or an edit, with that context shown above the
// text.

import { nameNode } from "../lib/dom.js";
import { summaryOf } from "./message-view.js";

const MAX_ROWS = 6;

export class Composer {
  #form;
  #text;
  #placeholder;
  #on;
  #context = null; // { message, isEdit }: the message that is replied to or edited

  /** `on.send(text, replyTo)`; `on.edit(message, text)`, which resolves to whether it succeeded;
   *  `on.typing()`, called as the user types. */
  constructor(form, on) {
    [this.#form, this.#on] = [form, on];
    this.#text = form.querySelector("textarea");
    this.#placeholder = this.#text.placeholder;
    this.#text.addEventListener("input", () => this.#textChanged(true));
    this.#text.addEventListener("keydown", (event) => this.#keyPressed(event));
    form.querySelector(".composer-context button").addEventListener("click", () => this.cancel());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** What is written and not sent, to be restored later. */
  get draft() {
    return { text: this.#text.value, context: this.#context };
  }

  set draft({ text = "", context = null }) {
    this.#setText(text);
    this.#setContext(context);
  }

  /** Why the user may not write at present; empty: they may. */
  set disabledReason(reason) {
    this.#text.disabled = Boolean(reason);
    this.#text.placeholder = reason || this.#placeholder;
    this.#textChanged();
  }

  reply(message) {
    if (this.#context?.isEdit) this.#setText("");
    this.#setContext({ message, isEdit: false });
    this.focus();
  }

  edit(message) {
    this.#setText(message.text);
    this.#setContext({ message, isEdit: true });
    this.focus();
  }

  cancel() {
    this.#dropContext();
    this.focus();
  }

  /** Puts back a text that could not be sent, above what has been written since. */
  putBack(text) {
    this.#setText(this.#text.value ? `${text}\n${this.#text.value}` : text);
    this.focus();
  }

  /** Updates the context if it is this message. */
  messageChanged(message) {
    if (this.#context?.message.seq !== message.seq) return;
    if (message.deleted) this.#dropContext();
    else this.#setContext({ ...this.#context, message });
  }

  focus() {
    this.#text.focus();
  }

  async #submit() {
    const text = this.#text.value;
    const context = this.#context;
    if (!text.trim()) return;
    if (!context?.isEdit) {
      this.draft = {};
      this.#on.send(text, context?.message.seq ?? 0);
      this.focus();
      return;
    }
    const done = text === context.message.text || (await this.#on.edit(context.message, text));
    if (done && this.#context?.message.seq === context.message.seq) this.cancel();
  }

  #dropContext() {
    if (this.#context?.isEdit) this.#setText("");
    this.#setContext(null);
  }

  #setText(text) {
    this.#text.value = text;
    this.#textChanged();
  }

  #textChanged(byTyping = false) {
    const { value, disabled } = this.#text;
    this.#form.querySelector("[type=submit]").disabled = disabled || !value.trim();
    this.#text.rows = Math.min(MAX_ROWS, value.split("\n").length);
    if (byTyping && value.trim() && !this.#context?.isEdit) this.#on.typing();
  }

  #keyPressed(event) {
    if (event.key === "Escape" && this.#context) {
      event.stopPropagation();
      return this.cancel();
    }
    // On a phone, Enter is the only key for a new line; in an input method, it picks a word.
    const sends = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (!sends || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #setContext(context) {
    this.#context = context;
    const node = this.#form.querySelector(".composer-context");
    node.hidden = !context;
    const text = node.querySelector("p");
    if (!context) return text.replaceChildren();
    const { message, isEdit } = context;
    if (isEdit) text.replaceChildren("Editing: ", summaryOf(message));
    else text.replaceChildren("Reply to ", nameNode(message.by), ": ", summaryOf(message));
  }
}
