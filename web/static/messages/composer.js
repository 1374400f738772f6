// The composer: a form for a new message, a reply or an edit, with that context shown above the
// text. Nothing that is written is lost: an edit leaves the draft alone, and an edit that is not
// finished comes back when its message is edited again.

import { nameNode } from "../lib/dom.js";
import { isComposing } from "../lib/input-method.js";
import { summaryOf } from "./message-view.js";

const MAX_ROWS = 6;

export class Composer {
  #form;
  #text;
  #placeholder;
  #drafts;
  #on;
  #place = ""; // of the draft; empty: closed
  #context = null; // { message, isEdit }: the message that is replied to or edited
  #setAside = { text: "", context: null }; // the draft, while a message is edited
  #edits = {}; // unfinished edits by `seq`

  /** `on.send(text, replyTo)`; `on.edit(message, text)`, which resolves to whether it succeeded;
   *  `on.typing()`, called as the user types; `on.editLast()`, called when the user asks for their
   *  last message. */
  constructor(form, drafts, on) {
    [this.#form, this.#drafts, this.#on] = [form, drafts, on];
    this.#text = form.querySelector("textarea");
    this.#placeholder = this.#text.placeholder;
    this.#text.addEventListener("input", () => this.#typed());
    this.#text.addEventListener("keydown", (event) => this.#keyPressed(event));
    form.querySelector(".composer-context button").addEventListener("click", () => this.cancel());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** Opens the draft of a place. `messageOf(seq)` resolves to a message of it, or undefined. */
  async open(place, messageOf) {
    const { text, reply_to, editing, edits } = this.#drafts.get(place);
    this.#place = place;
    this.#edits = edits;
    this.#setText(text);
    this.#setContext(null);
    const [answered, edited] = await Promise.all(
      [reply_to, editing].map((seq) => seq && messageOf(seq).catch(() => undefined)),
    );
    if (this.#place !== place || this.#context) return;
    if (answered && !answered.deleted) this.#setContext({ message: answered, isEdit: false });
    if (edited && !edited.deleted) this.#beginEdit(edited);
  }

  /** Shows nothing any more. The draft stays. */
  close() {
    this.#place = "";
    this.#setAside = { text: "", context: null };
    this.#edits = {};
    this.#setText("");
    this.#setContext(null);
  }

  /** Why the user may not write at present; empty: they may. */
  set disabledReason(reason) {
    this.#text.disabled = Boolean(reason);
    this.#text.placeholder = reason || this.#placeholder;
    this.#textChanged();
  }

  reply(message) {
    this.#endEdit();
    this.#setContext({ message, isEdit: false });
    this.#save();
    this.focus();
  }

  edit(message) {
    this.#endEdit();
    this.#beginEdit(message);
    this.#save();
    this.focus();
  }

  /** Gives up the reply or the edit. */
  cancel() {
    if (this.#context?.isEdit) this.#endEdit();
    else this.#setContext(null);
    this.#save();
    this.focus();
  }

  /** Puts back a text that could not be sent, above what has been written since. */
  putBack(text) {
    this.#endEdit();
    this.#setText(this.#text.value ? `${text}\n${this.#text.value}` : text);
    this.#save();
    this.focus();
  }

  /** Updates the context if it is this message. */
  messageChanged(message) {
    const { context } = this.#setAside;
    if (context?.message.seq === message.seq) {
      this.#setAside.context = message.deleted ? null : { ...context, message };
    }
    if (this.#context?.message.seq !== message.seq) return;
    if (!message.deleted) return this.#setContext({ ...this.#context, message });
    // An edit that has lost its message becomes a draft.
    const written = this.#context.isEdit ? this.#edits[message.seq] : undefined;
    if (this.#context.isEdit) this.#endEdit();
    else this.#setContext(null);
    delete this.#edits[message.seq];
    if (written) this.putBack(written);
    this.#save();
  }

  focus() {
    this.#text.focus();
  }

  async #submit() {
    const text = this.#text.value;
    const context = this.#context;
    if (!text.trim()) return;
    if (context?.isEdit) return this.#submitEdit(context.message, text);
    this.#setText("");
    this.#setContext(null);
    this.#on.send(text, context?.message.seq ?? 0);
    this.#save();
    this.focus();
  }

  async #submitEdit(message, text) {
    const place = this.#place;
    const done = text === message.text || (await this.#on.edit(message, text));
    if (!done) return;
    if (this.#place !== place) return this.#drafts.forgetEdit(place, message.seq);
    // Another message may be edited by now.
    const isOpen = this.#context?.isEdit && this.#context.message.seq === message.seq;
    const isCurrent = isOpen && this.#text.value === text;
    if (isCurrent) this.#endEdit();
    if (isCurrent || !isOpen) delete this.#edits[message.seq];
    this.#save();
    if (isCurrent) this.focus();
  }

  #beginEdit(message) {
    this.#setAside = { text: this.#text.value, context: this.#context };
    this.#setContext({ message, isEdit: true });
    this.#setText(this.#edits[message.seq] ?? message.text);
  }

  // Back to the draft.
  #endEdit() {
    if (!this.#context?.isEdit) return;
    this.#noteEdit();
    this.#setContext(this.#setAside.context);
    this.#setText(this.#setAside.text);
    this.#setAside = { text: "", context: null };
  }

  #noteEdit() {
    const { message } = this.#context;
    if (this.#text.value === message.text) delete this.#edits[message.seq];
    else this.#edits[message.seq] = this.#text.value;
  }

  #save() {
    if (!this.#place) return;
    const isEdit = this.#context?.isEdit;
    if (isEdit) this.#noteEdit();
    const { text, context } = isEdit
      ? this.#setAside
      : { text: this.#text.value, context: this.#context };
    const editing = isEdit ? this.#context.message.seq : 0;
    const reply_to = context?.message.seq ?? 0;
    this.#drafts.set(this.#place, { text, reply_to, editing, edits: this.#edits });
  }

  #setText(text) {
    this.#text.value = text;
    this.#textChanged();
  }

  #typed() {
    this.#textChanged();
    this.#save();
    if (this.#text.value.trim() && !this.#context?.isEdit) this.#on.typing();
  }

  #textChanged() {
    const { value, disabled } = this.#text;
    this.#form.querySelector("[type=submit]").disabled = disabled || !value.trim();
    this.#text.rows = Math.min(MAX_ROWS, value.split("\n").length);
  }

  #keyPressed(event) {
    if (isComposing(event)) return;
    if (event.key === "Escape" && this.#context) {
      event.stopPropagation();
      return this.cancel();
    }
    if (event.key === "ArrowUp" && !this.#text.value && !this.#context) {
      event.preventDefault();
      return this.#on.editLast();
    }
    // On a phone, Enter is the only key for a new line.
    const sends = event.key === "Enter" && !event.shiftKey;
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
