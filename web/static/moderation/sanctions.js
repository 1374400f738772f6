// Muting and banning: asking for it, and who is under it.

import { askFor, choiceOf, lineOf } from "../lib/dialogs.js";
import { attempt, button, exactly, make, nameOf } from "../lib/dom.js";

const KINDS = [
  ["mute", "Mute: reads, and does not write"],
  ["ban", "Ban: is out, and stays out"],
];

const TIMES = [
  [600, "10 minutes"],
  [3600, "1 hour"],
  [86400, "1 day"],
  [604800, "1 week"],
  [0, "For good"],
];

const WORDS = { mute: "muted", ban: "banned" };

/** Ask how to sanction somebody, and do it. */
export async function sanction(parley, room, user) {
  const given = await askFor(
    `Mute or ban ${user}`,
    "",
    [
      ["What", choiceOf("sanction", KINDS)],
      ["For how long", choiceOf("seconds", TIMES)],
      ["Reason, which they are told", lineOf("reason")],
    ],
    "Do it",
  );
  if (!given) return false;
  const wish = { ...given, seconds: Number(given.seconds) };
  return attempt(parley.sanction(room, user, wish));
}

/** What an event about a sanction says, for people. */
export function toldOf({ kind, user, sanction: what, until_ms, reason }, me) {
  const who = user === me ? "You are" : `${user} is`;
  if (kind === "sanction.lifted") return `${who} no longer muted or banned`;
  const until = until_ms ? `, until ${exactly(until_ms)}` : "";
  return `${who} ${WORDS[what]}${until}${reason ? `: ${reason}` : ""}`;
}

/** Who is muted or banned in a room, with a way out. */
export async function sanctionsNode(parley, room) {
  const { sanctions } = await parley.sanctions(room);
  const items = sanctions.map((one) => {
    const lift = button("plain", "Lift", async () => {
      if (await attempt(parley.liftSanction(room, one.user))) item.remove();
    });
    lift.setAttribute("aria-label", `Lift the sanction of ${one.user}`);
    const until = one.until_ms ? ` until ${exactly(one.until_ms)}` : "";
    const what = make("span", "role", `${WORDS[one.sanction]}${until}`);
    const item = make("li", "", nameOf(one.user), what, lift);
    item.title = `${one.reason || "No reason given"} – ${one.by}`;
    item.dataset.sanctioned = one.user;
    return item;
  });
  return items.length ? make("ul", "sanctions", ...items) : make("p", "topic", "Nobody.");
}
