// What a click on a message does: its menu's actions, its reactions, its thread, its quote.

import { confirmDialog, formDialog, reasonInput } from "../lib/dialogs.js";
import { byId } from "../lib/dom.js";
import { own } from "../lib/own.js";
import { attempt, showToast } from "../lib/toast.js";
import { sanctionUser } from "../moderation/sanctions.js";
import { MessageMenu } from "./message-menu.js";

export class MessageActions {
  #parley;
  #roomView;
  #menu;
  #composer = null; // the composer of the place where the menu was opened

  constructor(parley, roomView) {
    [this.#parley, this.#roomView] = [parley, roomView];
    this.#menu = new MessageMenu({
      react: (message, emoji) => this.#toggleReaction(message, emoji),
      reply: (message) => this.#composer.reply(message),
      thread: (message) => roomView.showThread(message.thread || message.seq),
      edit: (message) => this.#composer.edit(message),
      remove: (message) => this.#remove(message),
      report: (message) => this.#report(message),
      sanction: ({ by }) => sanctionUser(parley, roomView.room, by),
      readersOf: (message) => roomView.readersOf(message),
    });
    for (const id of ["message-list", "side-panel-body"]) {
      byId(id).addEventListener("click", ({ target }) => this.#clicked(target));
    }
  }

  #clicked(target) {
    const button = target.closest("[data-action]");
    const message = button && this.#roomView.messageAt(button);
    if (!message) return;
    const { action, emoji, quotedSeq } = button.dataset;
    if (action === "react") this.#toggleReaction(message, emoji);
    if (action === "thread") this.#roomView.showThread(Number(quotedSeq) || message.seq);
    if (action === "quote") attempt(this.#roomView.goTo(Number(quotedSeq)));
    if (action === "menu") this.#openMenu(message, button);
  }

  #openMenu(message, button) {
    this.#composer = this.#roomView.composerAt(button);
    const { me, role } = this.#roomView;
    this.#menu.open(message, button, { me, role, threads: !button.closest("#side-panel") });
  }

  #toggleReaction({ seq, reactions = {} }, emoji) {
    const mine = own(reactions, emoji)?.by.includes(this.#roomView.me);
    const { room } = this.#roomView;
    attempt(this.#parley[mine ? "unreact" : "react"](room, seq, emoji));
  }

  async #remove({ seq }) {
    const { room } = this.#roomView;
    const text = "Its text is removed for everybody.";
    const confirmed = await confirmDialog("Delete this message?", text, "Delete");
    if (confirmed) attempt(this.#parley.delete(room, seq));
  }

  async #report({ seq }) {
    const { room } = this.#roomView;
    const title = "Report this message?";
    const fields = [["Reason", reasonInput()]];
    const given = await formDialog(title, "The room's moderators see it.", fields, "Report");
    if (given && (await attempt(this.#parley.report(room, seq, given.reason)))) {
      showToast("Reported");
    }
  }
}
