// What one does with the messages of the open room: react, reply, edit, delete, go where they lead.

import { askFor, lineOf } from "../lib/dialogs.js";
import { Menu } from "./message-menu.js";
import { ask } from "../lib/dialogs.js";
import { sanction } from "../moderation/sanctions.js";
import { attempt, element, tell } from "../lib/dom.js";

export class Actions {
  #parley;
  #open;
  #menu;
  #composer = null; // of where the menu was opened

  /** `open`: the `Conversation`. */
  constructor(parley, open) {
    [this.#parley, this.#open] = [parley, open];
    this.#menu = new Menu({
      react: (message, emoji) => this.#react(message, emoji),
      reply: (message) => this.#composer.reply(message),
      thread: (message) => open.showThread(message.thread || message.seq),
      edit: (message) => this.#composer.edit(message),
      remove: (message) => this.#remove(message),
      report: (message) => this.#report(message),
      sanction: ({ by }) => sanction(parley, open.room, by),
      readersOf: (message) => open.readersOf(message),
    });
    for (const id of ["log", "panel-body"]) {
      element(id).addEventListener("click", ({ target }) => this.#clicked(target));
    }
  }

  #clicked(target) {
    const button = target.closest("[data-act]");
    const message = button && this.#open.messageAt(button);
    if (!message) return;
    const { act, emoji, of } = button.dataset;
    if (act === "react") this.#react(message, emoji);
    if (act === "thread") this.#open.showThread(Number(of) || message.seq);
    if (act === "quote") attempt(this.#open.goTo(Number(of)));
    if (act === "menu") this.#openMenu(message, button);
  }

  #openMenu(message, button) {
    this.#composer = this.#open.composerAt(button);
    const { me, role } = this.#open;
    this.#menu.open(message, button, { me, role, threads: !button.closest("#panel") });
  }

  // Once more is taking it back.
  #react({ seq, reactions = {} }, emoji) {
    const mine = reactions[emoji]?.by.includes(this.#open.me);
    const { room } = this.#open;
    attempt(this.#parley[mine ? "unreact" : "react"](room, seq, emoji));
  }

  async #remove({ seq }) {
    const { room } = this.#open;
    const sure = await ask("Delete this message?", "Its text goes for everybody.", "Delete");
    if (sure) attempt(this.#parley.delete(room, seq));
  }

  async #report({ seq }) {
    const { room } = this.#open;
    const fields = [["Reason", lineOf("reason")]];
    const given = await askFor("Report this message?", "The room's moderators see it.", fields, "Report");
    if (given && (await attempt(this.#parley.report(room, seq, given.reason)))) tell("Reported");
  }
}
