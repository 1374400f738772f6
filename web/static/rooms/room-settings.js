// How a room is called and run, for those who may change it.

import { ROLES, may } from "../lib/permissions.js";
import { attempt, button, field, make } from "../lib/dom.js";

const input = (more) => Object.assign(make("input", ""), more);
const days = { type: "number", min: 0, max: 36500 };
const seconds = { type: "number", min: 0, max: 21600 };

/** A part of the page that opens, for somebody of this role. */
export function settingsNode(parley, room, role) {
  const { settings } = room;
  const name = input({ value: room.name, maxLength: 80 });
  const topic = input({ value: room.topic, maxLength: 500 });
  const slow = input({ ...seconds, value: settings.slow_mode });
  const keep = input({ ...days, value: settings.retention_days });
  const receipts = input({ type: "checkbox", checked: settings.receipts });
  const post = make("select", "", ...ROLES.map((least) => new Option(least)));
  post.value = settings.post;
  const form = make(
    "form",
    "stack",
    field("Name", name),
    field("Topic", topic),
    field("Seconds between two messages", slow),
    field("Who may write, from", post),
    field("Days that messages are kept (0: for good)", keep),
    field("Show who has read", receipts),
    Object.assign(make("button", "primary", "Save"), { type: "submit" }),
  );
  const details = make("details", "", make("summary", "", "Settings"), form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const changed = {
      ...settings, // whatever this page does not know stays
      slow_mode: Number(slow.value),
      retention_days: Number(keep.value),
      post: post.value,
      receipts: receipts.checked,
    };
    const changes = { name: name.value.trim(), topic: topic.value.trim(), settings: changed };
    if (await attempt(parley.changeRoom(room.room, changes))) details.open = false;
  });
  if (may(role, "room.archive")) {
    const label = room.archived ? "Open the room again" : "Archive this room";
    const archive = () => attempt(parley.changeRoom(room.room, { archived: !room.archived }));
    details.append(button("plain", label, archive));
  }
  return details;
}
