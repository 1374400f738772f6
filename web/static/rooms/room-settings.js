// The settings of a room: a form for admins, and archiving for the owner.

import { button, labeledField, make } from "../lib/dom.js";
import { ROLES, may } from "../lib/permissions.js";
import { attempt } from "../lib/toast.js";

const input = (more) => Object.assign(make("input", ""), more);
const days = { type: "number", min: 0, max: 36500 };
const seconds = { type: "number", min: 0, max: 21600 };

/** The settings as a section that opens, for a user of this role. */
export function roomSettingsNode(parley, room, role) {
  const { settings } = room;
  const name = input({ value: room.name, maxLength: 80 });
  const topic = input({ value: room.topic, maxLength: 500 });
  const slowMode = input({ ...seconds, value: settings.slow_mode });
  const retention = input({ ...days, value: settings.retention_days });
  const receipts = input({ type: "checkbox", checked: settings.receipts });
  const post = make("select", "", ...ROLES.map((least) => new Option(least)));
  post.value = settings.post;
  const form = make(
    "form",
    "stack",
    labeledField("Name", name),
    labeledField("Topic", topic),
    labeledField("Seconds between two messages of a member", slowMode),
    labeledField("Who may write: this role and above", post),
    labeledField("Days to keep messages (0: forever)", retention),
    labeledField("Show read receipts", receipts),
    Object.assign(make("button", "primary", "Save"), { type: "submit" }),
  );
  const details = make("details", "", make("summary", "", "Settings"), form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const changed = {
      ...settings, // settings that this page does not know stay as they are
      slow_mode: Number(slowMode.value),
      retention_days: Number(retention.value),
      post: post.value,
      receipts: receipts.checked,
    };
    const changes = { name: name.value.trim(), topic: topic.value.trim(), settings: changed };
    if (await attempt(parley.changeRoom(room.room, changes))) details.open = false;
  });
  if (may(role, "room.archive")) {
    const label = room.archived ? "Unarchive this room" : "Archive this room";
    const toggle = () => attempt(parley.changeRoom(room.room, { archived: !room.archived }));
    details.append(button("plain", label, toggle));
  }
  return details;
}
