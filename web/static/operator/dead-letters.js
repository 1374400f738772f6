// Dead letters: the newest, and sending those that are chosen once more.

import { confirmDialog } from "../lib/dialogs.js";
import { byId, formatDateTime } from "../lib/dom.js";
import { ask } from "./snapshots.js";
import { Table } from "./table.js";

export class DeadLetters {
  constructor(token) {
    this.token = token;
    this.table = new Table(byId("dead"), [
      ["Send again", "", (one) => this.#box(one)],
      ["Since", "", (one) => formatDateTime(one.at_ms)],
      ["Record", "long", (one) => one.name],
      ["Reason", "long", (one) => one.reason],
    ]);
    byId("send-again").addEventListener("click", () => this.#sendAgain());
  }

  show({ count, newest }) {
    const rest = count > newest.length ? `; the newest ${newest.length} are shown` : "";
    byId("dead-count").textContent = count ? `${count} stand${rest}.` : "There are none.";
    this.table.show(newest.map((one) => [one.name, one]));
    this.#update();
  }

  #box({ name }) {
    const box = Object.assign(document.createElement("input"), { type: "checkbox", value: name });
    box.setAttribute("aria-label", `Send ${name} again`);
    box.addEventListener("change", () => this.#update());
    return box;
  }

  get #chosen() {
    return [...byId("dead").querySelectorAll("input:checked")].map((box) => box.value);
  }

  #update() {
    byId("send-again").disabled = this.#chosen.length === 0;
  }

  async #sendAgain() {
    const names = this.#chosen;
    const title = names.length === 1 ? "Send it again?" : `Send ${names.length} again?`;
    const text = "Each is processed once more. Without a cure of its reason it comes back.";
    if (!(await confirmDialog(title, text, "Send again"))) return;
    const outcome = byId("outcome");
    try {
      const path = "/v1/operator/dead-letters/send-again";
      const { status, answer } = await ask(this.token, path, { names });
      const sent = `${answer.sent} sent again. ${(answer.reasons ?? []).join(". ")}`;
      outcome.textContent = status === 200 ? sent : answer.detail;
    } catch {
      outcome.textContent = "The edge does not answer; try again.";
    }
  }
}
