// Levels: of which messages the user wants to be notified, and which rooms have a badge for it.
// The same rule as the server's (app/domain/push/levels.py).

/**
 * The level that counts in a room: "all", "mentions" (mentions alone), or "none".
 * `levels` is the answer of `GET /v1/me/notify`.
 */
export function levelIn(levels, room) {
  const own = levels.rooms?.[room]?.level;
  if (own) return own;
  const level = levels.level ?? "mentions";
  return level === "mentions" && room.startsWith("dm-") ? "all" : level;
}

/** Whether the user wants to be notified of a message in the room. */
export function wants(levels, room, { mentioned = false } = {}) {
  const level = levelIn(levels, room);
  return level === "all" || (mentioned && level === "mentions");
}

/** Whether the room is muted at this time, in milliseconds. */
export function isMuted(levels, room, now) {
  return now < (levels.mute_until_ms ?? 0) || now < (levels.rooms?.[room]?.mute_until_ms ?? 0);
}

/**
 * The numbers that a room's badge has at this time: none where the user wants to know of nothing,
 * and the mentions alone where the user has said so of this room.
 */
export function badgeOf(levels, { room, unread = 0, mentions = 0 }, now) {
  if (isMuted(levels, room, now) || levelIn(levels, room) === "none") {
    return { unread: 0, mentions: 0 };
  }
  return { unread: levels.rooms?.[room]?.level === "mentions" ? 0 : unread, mentions };
}
