// The panel about the open room: what it is, who is in it, and what one may do about that.

import { dotOf } from "./presence.js";
import { ask } from "../lib/dialogs.js";
import { ROLES, may, mayActOn, rolesToGive } from "../lib/permissions.js";
import { sanction, sanctionsNode } from "../moderation/sanctions.js";
import { settingsNode } from "./room-settings.js";
import { attempt, button, element, faceOf, make, nameOf } from "../lib/dom.js";

const MOST = 300; // members shown

export class People {
  #parley;
  #me;
  #room = "";

  constructor(parley, me) {
    [this.#parley, this.#me] = [parley, me];
  }

  /** Fill the panel for a room, as `Rooms` has it, with its `Members`. */
  show(room, title, members) {
    const role = members.roleOf(this.#me) ?? "member";
    const isDirect = room.type === "direct";
    const parts = [];
    if (room.topic) parts.push(make("p", "topic", room.topic));
    if (!isDirect) parts.push(this.#idOf(room));
    if (may(role, "member.add") && !isDirect) parts.push(this.#adding(room));
    parts.push(this.#list(room, members, role));
    if (may(role, "sanction") && !isDirect) parts.push(this.#sanctioned(room));
    if (may(role, "room.change") && !isDirect) parts.push(settingsNode(this.#parley, room, role));
    if (role !== "owner" && !isDirect) {
      parts.push(button("plain bad", "Leave this room", () => this.#leave(room, title)));
    }
    element("panel-title").textContent = title;
    const body = element("panel-body");
    // What is being filled in there is not to be lost.
    const busy = this.#room === room.room && body.querySelector("details[open], input:focus");
    if (busy) element("members").replaceWith(this.#list(room, members, role));
    else body.replaceChildren(...parts);
    this.#room = room.room;
  }

  #idOf({ room, type }) {
    const what = type === "public" ? "Public room; anybody joins it by its id " : "Group ";
    return make("p", "about-room", what, make("code", "", room));
  }

  #sanctioned({ room }) {
    const details = make("details", "", make("summary", "", "Muted and banned"));
    details.addEventListener("toggle", async () => {
      const known = details.querySelector(":scope > :not(summary)");
      if (!details.open) return known?.remove();
      const node = await sanctionsNode(this.#parley, room).catch((error) => make("p", "error", error.message));
      details.append(node);
    });
    return details;
  }

  #adding({ room }) {
    const user = Object.assign(make("input", ""), { autocomplete: "off", required: true });
    Object.assign(user, { autocapitalize: "none", placeholder: "Add somebody", ariaLabel: "Add" });
    const submit = Object.assign(make("button", "primary", "Add"), { type: "submit" });
    const form = make("form", "row", user, submit);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await attempt(this.#parley.addMember(room, user.value.trim()))) user.value = "";
    });
    return form;
  }

  #list(room, members, role) {
    const all = members.all;
    const items = all.slice(0, MOST).map((entry) => this.#item(room, entry, role));
    if (all.length > MOST) items.push(make("li", "", `and ${all.length - MOST} more`));
    const list = make("ul", "", ...items);
    list.id = "members";
    return list;
  }

  #item(room, [user, theirs], role) {
    const who = make("span", "who", faceOf(user), dotOf(user));
    const item = make("li", "", who, nameOf(user));
    item.dataset.user = user;
    const roles = rolesToGive(role);
    const below = user !== this.#me && mayActOn(role, theirs) && room.type !== "direct";
    if (below && roles.length) item.append(this.#choice(room, user, theirs, roles));
    else if (theirs !== "member" && room.type !== "direct") item.append(make("span", "role", theirs));
    if (below && may(role, "sanction")) {
      const act = button("act", "⊘", () => sanction(this.#parley, room.room, user));
      act.setAttribute("aria-label", `Mute or ban ${user}`);
      item.append(act);
    }
    if (below && may(role, "member.remove")) {
      const remove = button("remove", "×", () => this.#remove(room, user));
      remove.setAttribute("aria-label", `Remove ${user}`);
      item.append(remove);
    }
    return item;
  }

  #choice({ room }, user, theirs, roles) {
    const select = make("select", "role");
    select.setAttribute("aria-label", `Role of ${user}`);
    select.append(...ROLES.filter((role) => roles.includes(role)).map((role) => new Option(role)));
    select.value = theirs;
    select.addEventListener("change", async () => {
      const role = select.value;
      const sure = role !== "owner" || (await ask("Hand the room over?", `${user} becomes its owner, you an admin.`, "Hand over"));
      const done = sure && (await attempt(this.#parley.changeRole(room, user, role)));
      if (!done) select.value = theirs;
    });
    return select;
  }

  async #remove({ room }, user) {
    const sure = await ask("Remove from the room?", `${user} will no longer see it.`, "Remove");
    if (sure) await attempt(this.#parley.removeMember(room, user));
  }

  async #leave({ room }, title) {
    const sure = await ask("Leave this room?", `You will no longer see ${title}.`, "Leave");
    if (sure) await attempt(this.#parley.removeMember(room, this.#me));
  }
}
