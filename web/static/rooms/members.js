// Who is in the open room, with what role.

const PAGE = 1000;

export class Members {
  #roles = new Map();
  #meanwhile = null; // what came while a list was on its way

  constructor(parley, room) {
    [this.parley, this.room] = [parley, room];
  }

  /** By name: [user, role]. */
  get all() {
    return [...this.#roles].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  roleOf(user) {
    return this.#roles.get(user);
  }

  async load() {
    const roles = new Map();
    this.#meanwhile = [];
    for (let after = "", more = true; more; ) {
      const page = await this.parley.members(this.room, { after, limit: PAGE });
      for (const { user, role } of page.members) roles.set(user, role);
      more = page.has_more;
      after = page.members.at(-1)?.user;
    }
    this.#roles = roles;
    this.#meanwhile.forEach((event) => this.#apply(event));
    this.#meanwhile = null;
  }

  /** An event of the stream; whether it is about members. */
  take(event) {
    const isBan = event.kind === "sanction.set" && event.sanction === "ban";
    if (!event.kind.startsWith("member.") && !isBan) return false;
    this.#meanwhile?.push(event);
    this.#apply(event);
    return true;
  }

  #apply({ kind, user, role, by }) {
    if (kind === "member.removed" || kind === "sanction.set") this.#roles.delete(user);
    else this.#roles.set(user, role);
    if (kind === "member.role" && role === "owner") this.#roles.set(by, "admin");
  }
}
