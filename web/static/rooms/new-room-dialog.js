// The dialog that opens a direct chat, a group or a public room, or joins a public room.

import { button, byId, labeledField, textInput } from "../lib/dom.js";
import { newId } from "../parley.js";

const KINDS = [
  ["direct", "Chat"],
  ["group", "Group"],
  ["public", "Public room"],
  ["join", "Join"],
];

const input = (name, more = {}) => textInput(name, { autocapitalize: "none", ...more });

export class NewRoomDialog {
  #parley;
  #me;
  #opened;
  #dialog = byId("new-room-dialog");
  #form = byId("new-room-dialog").querySelector("form");
  #kind = "direct";
  #clientId = ""; // the same for each attempt, so that a repeated one opens no second room

  /** `opened(room)` is called with the id of the new or joined room. */
  constructor(parley, me, opened) {
    [this.#parley, this.#me, this.#opened] = [parley, me, opened];
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#dialog.querySelector(".close").addEventListener("click", () => this.#dialog.close());
    const tabs = KINDS.map(([kind, label]) => {
      const tab = button("tab", label, () => this.#choose(kind));
      tab.dataset.kind = kind;
      return tab;
    });
    this.#dialog.querySelector(".tabs").replaceChildren(...tabs);
  }

  show() {
    // What was filled in before the dialog was closed is still there.
    if (!this.#clientId) this.#choose(this.#kind);
    this.#dialog.showModal();
    this.#form.querySelector("input").focus();
  }

  #choose(kind) {
    this.#kind = kind;
    this.#clientId = newId();
    for (const tab of this.#dialog.querySelectorAll(".tab")) {
      tab.setAttribute("aria-pressed", tab.dataset.kind === kind);
    }
    this.#form.querySelector(".fields").replaceChildren(...fieldsFor(kind));
    this.#form.querySelector("[type=submit]").textContent = kind === "join" ? "Join" : "Open";
    this.#showError("");
  }

  async #submit() {
    const values = Object.fromEntries(new FormData(this.#form));
    const submit = this.#form.querySelector("[type=submit]");
    submit.disabled = true;
    try {
      const room = await this.#openOrJoin(values);
      this.#clientId = "";
      this.#dialog.close();
      this.#opened(room);
    } catch (error) {
      this.#showError(error.message);
    } finally {
      submit.disabled = false;
    }
  }

  async #openOrJoin({ user, room, name, members = "" }) {
    const id = room?.trim();
    if (this.#kind === "join") {
      await this.#parley.addMember(id, this.#me);
      return id;
    }
    const body = { type: this.#kind, client_id: this.#clientId };
    if (this.#kind === "direct") body.user = user.trim();
    else body.name = name.trim();
    if (id) body.room = id;
    const opened = await this.#parley.createRoom(body);
    for (const member of members.split(/[\s,]+/).filter(Boolean)) {
      await this.#parley.addMember(opened.room, member);
    }
    return opened.room;
  }

  #showError(text) {
    this.#form.querySelector(".error").textContent = text;
  }
}

function fieldsFor(kind) {
  if (kind === "direct") return [labeledField("With", input("user", { required: true }))];
  if (kind === "join") return [labeledField("The room’s id", input("room", { required: true }))];
  const fields = [labeledField("Name", input("name", { required: true, maxLength: 80 }))];
  if (kind === "public") fields.push(labeledField("Id to join it by (optional)", input("room")));
  fields.push(labeledField("Members, separated by spaces (optional)", input("members")));
  return fields;
}
