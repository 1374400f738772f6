// Of which messages of a room the user wants to be notified: a section of the room's details, which
// is asked for when it is opened.

import { labeledField, make } from "../lib/dom.js";
import { attempt } from "../lib/toast.js";

const HOUR_MS = 3_600_000;

const LEVELS = [
  ["", "As in all rooms"],
  ["all", "All messages"],
  ["mentions", "Mentions of me"],
  ["none", "Nothing"],
];

const MUTES = [
  [0, "No"],
  [1, "For an hour"],
  [8, "For 8 hours"],
  [7 * 24, "For a week"],
];

/** The section. A change is an event `levels-changed` of the document: other parts show levels. */
export function roomNotifyNode(parley, room) {
  const path = `/v1/rooms/${encodeURIComponent(room)}/notify`;
  const details = make("details", "", make("summary", "", "Notifications"));
  details.addEventListener("toggle", async () => {
    details.querySelector("form")?.remove();
    if (!details.open) return;
    await attempt(parley.request("GET", path).then((known) => details.append(form(known))));
  });

  function form(known) {
    const level = select(LEVELS, known.level ?? "");
    const isMuted = known.mute_until_ms > Date.now();
    const until = new Date(known.mute_until_ms).toLocaleString();
    const mute = select(isMuted ? [["as it is", `Until ${until}`], ...MUTES] : MUTES);
    const save = async () => {
      const hours = Number(mute.value);
      const until_ms = Number.isNaN(hours)
        ? known.mute_until_ms
        : hours && Date.now() + hours * HOUR_MS;
      const wanted = { level: level.value || null, mute_until_ms: until_ms };
      const saved = await attempt(parley.request("PUT", path, wanted));
      if (saved) document.dispatchEvent(new Event("levels-changed"));
    };
    for (const node of [level, mute]) node.addEventListener("change", save);
    const node = make("form", "stack", labeledField("Notify me of", level));
    node.append(labeledField("Mute this room", mute));
    return node;
  }

  return details;
}

function select(options, value = undefined) {
  const node = make("select", "", ...options.map(([name, label]) => new Option(label, name)));
  if (value !== undefined) node.value = value;
  return node;
}
