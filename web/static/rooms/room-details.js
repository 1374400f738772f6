// The details of the open room in the side panel: its topic, its members and their roles, its
// sanctions, its settings and its notifications.

import { confirmDialog } from "../lib/dialogs.js";
import { avatarNode, button, byId, lookAlikeNode, make, nameNode } from "../lib/dom.js";
import { ROLES, may, mayActOn, rolesToGive } from "../lib/permissions.js";
import { attempt } from "../lib/toast.js";
import { sanctionUser, sanctionsNode } from "../moderation/sanctions.js";
import { presenceDot } from "./presence.js";
import { roomNotifyNode } from "./room-notify.js";
import { roomSettingsNode } from "./room-settings.js";

const MAX_MEMBERS = 300; // shown

export class RoomDetails {
  #parley;
  #me;
  #room = "";

  constructor(parley, me) {
    [this.#parley, this.#me] = [parley, me];
  }

  /** Fills the side panel for a room, as the room store has it, and its `Members`. */
  show(room, title, members) {
    const role = members.roleOf(this.#me) ?? "member";
    const isDirect = room.type === "direct";
    const parts = [];
    if (room.topic) parts.push(make("p", "topic", make("bdi", "", room.topic)));
    if (!isDirect) parts.push(roomIdNode(room));
    if (may(role, "member.add") && !isDirect) parts.push(this.#addMemberForm(room));
    parts.push(this.#memberList(room, members, role));
    if (may(role, "sanction") && !isDirect) parts.push(this.#sanctions(room));
    if (may(role, "room.change") && !isDirect) {
      parts.push(roomSettingsNode(this.#parley, room, role));
    }
    parts.push(roomNotifyNode(this.#parley, room.room));
    if (role !== "owner" && !isDirect) {
      parts.push(button("plain danger", "Leave this room", () => this.#leave(room, title)));
    }
    byId("side-panel-title").textContent = title;
    const body = byId("side-panel-body");
    // A form that is being filled in must stay: then only the members are drawn anew.
    const inUse = this.#room === room.room && body.querySelector("details[open], input:focus");
    if (inUse) byId("members").replaceWith(this.#memberList(room, members, role));
    else body.replaceChildren(...parts);
    this.#room = room.room;
  }

  #sanctions({ room }) {
    const details = make("details", "", make("summary", "", "Muted and banned"));
    details.addEventListener("toggle", async () => {
      const list = details.querySelector(":scope > :not(summary)");
      if (!details.open) return list?.remove();
      const asError = (error) => make("p", "error", error.message);
      details.append(await sanctionsNode(this.#parley, room).catch(asError));
    });
    return details;
  }

  #addMemberForm({ room }) {
    const user = Object.assign(make("input", ""), { autocomplete: "off", required: true });
    Object.assign(user, { autocapitalize: "none", placeholder: "Add a member", ariaLabel: "Add" });
    const submit = Object.assign(make("button", "primary", "Add"), { type: "submit" });
    const form = make("form", "row", user, submit);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await attempt(this.#parley.addMember(room, user.value.trim()))) user.value = "";
    });
    return form;
  }

  #memberList(room, members, role) {
    const lookAlike = (user) => members.lookAlike(user);
    const all = members.all;
    const shown = all.slice(0, MAX_MEMBERS);
    const items = shown.map(([user, theirRole]) =>
      this.#memberItem(room, user, theirRole, role, lookAlike(user)),
    );
    if (all.length > MAX_MEMBERS) {
      items.push(make("li", "", `and ${all.length - MAX_MEMBERS} more`));
    }
    const list = make("ul", "", ...items);
    list.id = "members";
    return list;
  }

  #memberItem(room, user, theirRole, role, other) {
    const avatar = make("span", "avatar-with-dot", avatarNode(user), presenceDot(user));
    const item = make("li", "", avatar, nameNode(user));
    if (other) item.append(lookAlikeNode(other));
    item.dataset.user = user;
    const isDirect = room.type === "direct";
    const mayChange = user !== this.#me && mayActOn(role, theirRole) && !isDirect;
    const roles = rolesToGive(role);
    if (mayChange && roles.length) item.append(this.#roleSelect(room, user, theirRole, roles));
    else if (theirRole !== "member" && !isDirect) item.append(make("span", "role", theirRole));
    if (mayChange && may(role, "sanction")) {
      const sanction = () => sanctionUser(this.#parley, room.room, user);
      item.append(iconButton("sanction-member", "⊘", `Mute or ban ${user}`, sanction));
    }
    if (mayChange && may(role, "member.remove")) {
      const remove = () => this.#remove(room, user);
      item.append(iconButton("remove-member", "×", `Remove ${user}`, remove));
    }
    return item;
  }

  #roleSelect({ room }, user, theirRole, roles) {
    const select = make("select", "role");
    select.setAttribute("aria-label", `Role of ${user}`);
    select.append(...ROLES.filter((role) => roles.includes(role)).map((role) => new Option(role)));
    select.value = theirRole;
    select.addEventListener("change", async () => {
      const role = select.value;
      const confirmed = role !== "owner" || (await confirmHandOver(user));
      const done = confirmed && (await attempt(this.#parley.changeRole(room, user, role)));
      if (!done) select.value = theirRole;
    });
    return select;
  }

  async #remove({ room }, user) {
    const text = `${user} will no longer see it.`;
    const confirmed = await confirmDialog("Remove from the room?", text, "Remove");
    if (confirmed) await attempt(this.#parley.removeMember(room, user));
  }

  async #leave({ room }, title) {
    const text = `You will no longer see ${title}.`;
    const confirmed = await confirmDialog("Leave this room?", text, "Leave");
    if (confirmed) await attempt(this.#parley.removeMember(room, this.#me));
  }
}

function confirmHandOver(user) {
  const text = `${user} becomes its owner, you become an admin.`;
  return confirmDialog("Hand the room over?", text, "Hand over");
}

function roomIdNode({ room, type }) {
  const kind = type === "public" ? "Public room; anybody can join it by its id " : "Group ";
  return make("p", "room-id", kind, make("code", "", room));
}

function iconButton(className, icon, label, action) {
  const node = button(className, icon, action);
  node.setAttribute("aria-label", label);
  return node;
}
