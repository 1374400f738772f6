// Where one writes: a form with a text, and above it what is being answered or edited.

import { inShort } from "./message-view.js";
import { nameOf } from "../lib/dom.js";

const ROWS = 6;

export class Composer {
  #form;
  #text;
  #asks; // what an empty text says
  #on;
  #about = null; // { message, edits }

  /** `on.send(text, replyTo)`, `on.edit(message, text)`: a promise of whether it worked;
   *  `on.typing()`: another letter. */
  constructor(form, on) {
    [this.#form, this.#on] = [form, on];
    this.#text = form.querySelector("textarea");
    this.#asks = this.#text.placeholder;
    this.#text.addEventListener("input", () => this.#changed(true));
    this.#text.addEventListener("keydown", (event) => this.#pressed(event));
    form.querySelector(".about button").addEventListener("click", () => this.cancel());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  /** What is written and not sent, to be taken up later. */
  get draft() {
    return { text: this.#text.value, about: this.#about };
  }

  set draft({ text = "", about = null }) {
    this.#set(text);
    this.#tellAbout(about);
  }

  /** Why nothing can be written at present; empty: it can. */
  set barred(why) {
    this.#text.disabled = Boolean(why);
    this.#text.placeholder = why || this.#asks;
    this.#changed();
  }

  reply(message) {
    if (this.#about?.edits) this.#set("");
    this.#tellAbout({ message, edits: false });
    this.focus();
  }

  edit(message) {
    this.#set(message.text);
    this.#tellAbout({ message, edits: true });
    this.focus();
  }

  cancel() {
    this.#drop();
    this.focus();
  }

  /** Put a text back that was not sent. */
  giveBack(text) {
    this.#set(this.#text.value ? `${text}\n${this.#text.value}` : text);
    this.focus();
  }

  /** A message is another now: it may be the one that this is about. */
  retell(message) {
    if (this.#about?.message.seq !== message.seq) return;
    if (message.deleted) this.#drop();
    else this.#tellAbout({ ...this.#about, message });
  }

  focus() {
    this.#text.focus();
  }

  async #submit() {
    const text = this.#text.value;
    const about = this.#about;
    if (!text.trim()) return;
    if (!about?.edits) {
      this.draft = {};
      this.#on.send(text, about?.message.seq ?? 0);
      this.focus();
      return;
    }
    const done = text === about.message.text || (await this.#on.edit(about.message, text));
    if (done && this.#about?.message.seq === about.message.seq) this.cancel();
  }

  #drop() {
    if (this.#about?.edits) this.#set("");
    this.#tellAbout(null);
  }

  #set(text) {
    this.#text.value = text;
    this.#changed();
  }

  #changed(typed = false) {
    const { value, disabled } = this.#text;
    this.#form.querySelector("[type=submit]").disabled = disabled || !value.trim();
    this.#text.rows = Math.min(ROWS, value.split("\n").length);
    if (typed && value.trim() && !this.#about?.edits) this.#on.typing();
  }

  #pressed(event) {
    if (event.key === "Escape" && this.#about) {
      event.stopPropagation();
      return this.cancel();
    }
    // On a phone Enter is the only way to a new line; while composing it picks a word.
    const sends = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (!sends || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    this.#form.requestSubmit();
  }

  #tellAbout(about) {
    this.#about = about;
    const node = this.#form.querySelector(".about");
    node.hidden = !about;
    const text = node.querySelector("p");
    if (!about) text.replaceChildren();
    else if (about.edits) text.replaceChildren("Editing: ", inShort(about.message));
    else text.replaceChildren("Reply to ", nameOf(about.message.by), ": ", inShort(about.message));
  }
}
