// Which role may do what: a copy of the server's table (docs/roles.md), so that the page offers no
// button that the server would refuse. The server decides.

/** From the lowest to the highest. */
export const ROLES = ["member", "moderator", "admin", "owner"];

/** The lowest role for each action that the page offers. */
export const LEAST = {
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

/** Whether a role may post in a room whose `post` setting is `least`. */
export const mayPost = (role, least) => rank(role) >= rank(least);

/** Whether a role may remove, sanction or change members of the other role. */
export const mayActOn = (role, other) => rank(role) > rank(other);

/** The roles that a role may give to others. Giving "owner" hands the room over. */
export function rolesToGive(role) {
  if (!may(role, "member.role")) return [];
  return ROLES.filter((given) => mayActOn(role, given) || role === "owner");
}
