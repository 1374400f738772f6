// The members of the open room and their roles.

const PAGE = 1000;

export class Members {
  #roles = new Map();
  #alike = new Map(); // members whose name looks like another member's
  #eventsDuringLoad = null;

  constructor(parley, room) {
    [this.parley, this.room] = [parley, room];
  }

  /** `[user, role]` pairs, by name. */
  get all() {
    return [...this.#roles].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** A member's role; undefined for anybody else. */
  roleOf(user) {
    return this.#roles.get(user);
  }

  /** The member that a member's name looks like; undefined if there is none. */
  lookAlike(user) {
    return this.#alike.get(user);
  }

  get hasLookAlikes() {
    return this.#alike.size > 0;
  }

  async load() {
    const roles = new Map();
    const alike = new Map();
    this.#eventsDuringLoad = [];
    for (let after = "", more = true; more; ) {
      const page = await this.parley.members(this.room, { after, limit: PAGE });
      for (const { user, role, looks_like } of page.members) {
        roles.set(user, role);
        if (looks_like) alike.set(user, looks_like);
      }
      more = page.has_more;
      after = page.members.at(-1)?.user;
    }
    [this.#roles, this.#alike] = [roles, alike];
    this.#eventsDuringLoad.forEach((event) => this.#update(event));
    this.#eventsDuringLoad = null;
  }

  /** Applies an event of the stream. Returns whether it is about members. */
  apply(event) {
    const isBan = event.kind === "sanction.set" && event.sanction === "ban";
    if (!event.kind.startsWith("member.") && !isBan) return false;
    this.#eventsDuringLoad?.push(event);
    this.#update(event);
    return true;
  }

  #update({ kind, user, role, by, looks_like }) {
    if (looks_like) this.#alike.set(user, looks_like).set(looks_like, user);
    if (kind === "member.removed" || kind === "sanction.set") this.#roles.delete(user);
    else this.#roles.set(user, role);
    // A room has one owner: handing it over makes the previous one an admin.
    if (kind === "member.role" && role === "owner") this.#roles.set(by, "admin");
  }
}
