// Mutes and bans: setting one, describing one, and the list of those in force in a room.

import { formDialog, reasonInput, selectInput } from "../lib/dialogs.js";
import { button, formatDateTime, make, nameNode } from "../lib/dom.js";
import { attempt } from "../lib/toast.js";

const KINDS = [
  ["mute", "Mute: can read, cannot write"],
  ["ban", "Ban: is removed, cannot rejoin"],
];

const DURATIONS = [
  [600, "10 minutes"],
  [3600, "1 hour"],
  [86400, "1 day"],
  [604800, "1 week"],
  [0, "Forever"],
];

const PARTICIPLES = { mute: "muted", ban: "banned" };

/** Asks for the details of a mute or ban, and sets it. Resolves to whether it was set. */
export async function sanctionUser(parley, room, user) {
  const given = await formDialog(
    `Mute or ban ${user}`,
    "",
    [
      ["What", selectInput("sanction", KINDS)],
      ["For how long", selectInput("seconds", DURATIONS)],
      ["Reason (the user sees it)", reasonInput()],
    ],
    "Apply",
  );
  if (!given) return false;
  const body = { ...given, seconds: Number(given.seconds) };
  return attempt(parley.sanction(room, user, body));
}

/** A sentence for an event about a sanction. */
export function describeSanction({ kind, user, sanction, until_ms, reason }, me) {
  const subject = user === me ? "You are" : `${user} is`;
  if (kind === "sanction.lifted") return `${subject} no longer muted or banned`;
  const until = until_ms ? `, until ${formatDateTime(until_ms)}` : "";
  return `${subject} ${PARTICIPLES[sanction]}${until}${reason ? `: ${reason}` : ""}`;
}

/** The sanctions in force in a room, each with a button that lifts it. */
export async function sanctionsNode(parley, room) {
  const { sanctions } = await parley.sanctions(room);
  const items = sanctions.map(({ user, sanction, until_ms, reason, by }) => {
    const lift = button("plain", "Lift", async () => {
      if (await attempt(parley.liftSanction(room, user))) item.remove();
    });
    lift.setAttribute("aria-label", `Lift the sanction of ${user}`);
    const until = until_ms ? ` until ${formatDateTime(until_ms)}` : "";
    const what = make("span", "role", `${PARTICIPLES[sanction]}${until}`);
    const item = make("li", "", nameNode(user), what, lift);
    item.title = `${reason || "No reason given"} – ${by}`;
    item.dataset.sanctioned = user;
    return item;
  });
  return items.length ? make("ul", "sanctions", ...items) : make("p", "hint", "Nobody.");
}
