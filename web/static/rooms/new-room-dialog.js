// Opening a room: a group, a public room, a chat with somebody; or joining a public one.

import { newId } from "../parley.js";
import { button, element, field, make } from "../lib/dom.js";

const KINDS = [
  ["direct", "Chat"],
  ["group", "Group"],
  ["public", "Public room"],
  ["join", "Join"],
];

const input = (name, more = {}) =>
  Object.assign(make("input", ""), { name, autocomplete: "off", autocapitalize: "none", ...more });

export class Opening {
  #parley;
  #me;
  #opened;
  #dialog = element("opening");
  #form = element("opening").querySelector("form");
  #kind = "direct";
  #wish = ""; // the same room however often it is asked for

  /** `opened(room)` is called with the id of the room that is there now. */
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
    this.#choose(this.#kind);
    this.#dialog.showModal();
    this.#form.querySelector("input").focus();
  }

  #choose(kind) {
    this.#kind = kind;
    this.#wish = newId();
    for (const tab of this.#dialog.querySelectorAll(".tab")) {
      tab.setAttribute("aria-pressed", tab.dataset.kind === kind);
    }
    this.#form.querySelector(".fields").replaceChildren(...this.#fieldsOf(kind));
    this.#form.querySelector("[type=submit]").textContent = kind === "join" ? "Join" : "Open";
    this.#say("");
  }

  #fieldsOf(kind) {
    if (kind === "direct") return [field("With whom", input("user", { required: true }))];
    if (kind === "join") return [field("The room’s id", input("room", { required: true }))];
    const fields = [field("Name", input("name", { required: true, maxLength: 80 }))];
    if (kind === "public") fields.push(field("Id, to join it by (optional)", input("room")));
    fields.push(field("Who is in it, by spaces (optional)", input("people")));
    return fields;
  }

  async #submit() {
    const given = Object.fromEntries(new FormData(this.#form));
    const submit = this.#form.querySelector("[type=submit]");
    submit.disabled = true;
    try {
      const room = await this.#do(given);
      this.#dialog.close();
      this.#opened(room);
    } catch (error) {
      this.#say(error.message);
    } finally {
      submit.disabled = false;
    }
  }

  async #do({ user, room, name, people = "" }) {
    const id = room?.trim();
    if (this.#kind === "join") {
      await this.#parley.addMember(id, this.#me);
      return id;
    }
    const wish = { type: this.#kind, client_id: this.#wish };
    if (this.#kind === "direct") wish.user = user.trim();
    else wish.name = name.trim();
    if (id) wish.room = id;
    const opened = await this.#parley.createRoom(wish);
    for (const other of people.split(/[\s,]+/).filter(Boolean)) {
      await this.#parley.addMember(opened.room, other);
    }
    return opened.room;
  }

  #say(text) {
    this.#form.querySelector(".error").textContent = text;
  }
}
