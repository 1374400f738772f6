// Who may do what, as docs/roles.md says. The server decides; this only keeps buttons away that
// would be refused.

export const ROLES = ["member", "moderator", "admin", "owner"];

const LEAST = {
  "message.edit.any": "moderator",
  "message.delete.any": "moderator",
  "message.approve": "moderator",
  sanction: "moderator",
  "member.add": "moderator",
  "member.remove": "moderator",
  "member.role": "admin",
  "room.change": "admin",
  "room.archive": "owner",
  "room.hand_over": "owner",
};

const rank = (role) => ROLES.indexOf(role);

export const may = (role, action) => rank(role) >= rank(LEAST[action]);
export const mayPost = (role, least) => rank(role) >= rank(least);
export const mayActOn = (role, other) => rank(role) > rank(other);

/** The roles that somebody of this one may give to others. */
export function rolesToGive(role) {
  if (!may(role, "member.role")) return [];
  return ROLES.filter((given) => mayActOn(role, given) || role === "owner");
}
