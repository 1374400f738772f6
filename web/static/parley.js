// Parley's client for a web page. It stands alone: copy it, or import it from an edge.
//
//   const parley = new Parley(token);
//   parley.stream({
//     event: (event) => …,        // every log event of your rooms, once, in the order of `n`;
//                                 // without `n`: typing, receipts, unread, which pass
//     reset: (rooms) => …,        // load these rooms by `history`: at the start, and after a gap
//     state: (state, why) => …,   // "connecting", "live", "waiting", "refused"
//     hello: ({ user, rooms }) => …, // each time it is live; optional
//   });
//   await parley.send("lobby", "Hello");

const SILENCE_MS = 40_000; // the server pings every 15 s

/** The server's no: `code` is for programs, `message` for people. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `The server answered ${status}.`);
    this.name = "Refused";
    this.status = status;
    this.code = problem.code ?? "";
  }
}

/** Whether the same request may well succeed later: no answer, an overload, a restart. */
export function mayPass(error) {
  return !(error instanceof Refused) || error.status >= 500 || [408, 429].includes(error.status);
}

/** How long to wait before attempt number `failures` + 1: longer each time, nobody in step. */
export function backoff(failures) {
  return Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random());
}

/** A name for something to send, never used before. */
export function newId() {
  // Pages from http://, other than localhost, have no randomUUID.
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const inRoom = (...path) => `/v1/rooms/${path.map(encodeURIComponent).join("/")}`;
const asQuery = (query) => `?${new URLSearchParams(query)}`;

export class Parley {
  #token;

  /** `token` is the user's JWT, `base` the edge's address, by default the page's own. */
  constructor(token, base = "") {
    this.#token = token;
    this.base = base;
  }

  /** One request; its answer's JSON. Throws `Refused`, or what `fetch` throws. */
  async request(method, path, body) {
    const response = await fetch(this.base + path, {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body), // undefined stays so: no body
      cache: "no-store",
      signal: AbortSignal.timeout(30_000),
    });
    if (response.ok) return response.status === 204 ? null : response.json();
    throw new Refused(response.status, await response.json().catch(() => ({})));
  }

  /** All rooms, with what is unread, and a `cursor`: a stream that begins there joins on. */
  sync = () => this.request("GET", "/v1/sync");
  room = (room) => this.request("GET", inRoom(room));

  /** `wish`: type, and name or user. Repeat it with the same `client_id`: it counts once. */
  createRoom = (wish) => this.request("POST", "/v1/rooms", { client_id: newId(), ...wish });
  /** `changes`: name, topic, settings, archived. */
  changeRoom = (room, changes) => this.request("PATCH", inRoom(room), changes);

  /** By name; `query`: after, limit. */
  members = (room, query = {}) => this.request("GET", inRoom(room, "members") + asQuery(query));
  /** Oneself: join a public room. */
  addMember = (room, user) => this.request("POST", inRoom(room, "members"), { user });
  changeRole = (room, user, role) => this.request("PATCH", inRoom(room, "members", user), { role });
  /** Oneself: leave. */
  removeMember = (room, user) => this.request("DELETE", inRoom(room, "members", user));

  /** `query`: before_seq, after_seq, limit, thread. Messages ascend by `seq`. */
  history = (room, query = {}) => this.request("GET", inRoom(room, "messages") + asQuery(query));
  /** `more`: reply_to, thread, attachments, meta. Repeat it with the same `client_id` until it is
   *  answered: it counts once. */
  send = (room, text, client_id = newId(), more = {}) =>
    this.request("POST", inRoom(room, "messages"), { ...more, text, client_id });
  edit = (room, seq, text) => this.request("PATCH", inRoom(room, "messages", seq), { text });
  delete = (room, seq) => this.request("DELETE", inRoom(room, "messages", seq));
  react = (room, seq, emoji) =>
    this.request("PUT", inRoom(room, "messages", seq, "reactions", emoji));
  unreact = (room, seq, emoji) =>
    this.request("DELETE", inRoom(room, "messages", seq, "reactions", emoji));
  /** Put a message before the room's moderators. */
  report = (room, seq, reason) =>
    this.request("POST", inRoom(room, "messages", seq, "report"), { reason });

  /** What waits for a look, for who moderates; `query`: room, status, limit, after. */
  queue = (query = {}) => this.request("GET", `/v1/moderation/queue${asQuery(query)}`);
  /** `action`: approve, reject (held); remove, dismiss (reported). */
  decide = (item, action, reason = "") =>
    this.request("POST", `/v1/moderation/queue/${encodeURIComponent(item)}`, { action, reason });
  /** `wish`: sanction ("mute" or "ban"), seconds, reason. */
  sanction = (room, user, wish) => this.request("PUT", inRoom(room, "sanctions", user), wish);
  liftSanction = (room, user) => this.request("DELETE", inRoom(room, "sanctions", user));
  sanctions = (room) => this.request("GET", inRoom(room, "sanctions"));

  /** `query`: q, room, limit, before. */
  search = (query) => this.request("GET", `/v1/search${asQuery(query)}`);

  /** Everything up to message `seq` has been read. */
  read = (room, seq) => this.request("PUT", inRoom(room, "read"), { seq });
  /** Who has read up to where; `query`: seq, for who has read that message. */
  receipts = (room, query = {}) => this.request("GET", inRoom(room, "receipts") + asQuery(query));
  /** All that is unread, by room and in total. */
  unread = () => this.request("GET", "/v1/unread");

  /** Good for 5 seconds: call it again every 3 while somebody types. */
  typing = (room) => this.request("POST", inRoom(room, "typing"));
  /** Who of at most 100 people is there. */
  presence = (users) => this.request("GET", `/v1/presence${asQuery(users.map((u) => ["user", u]))}`);
  /** "online" or "away" */
  setPresence = (status) => this.request("PUT", "/v1/presence", { status });

  /** Follow all rooms; see the top of this file. `cursor`: begin there. `close()` ends it. */
  stream(on, cursor = "") {
    return new Stream(this, on, cursor);
  }
}

/** Events of all the user's rooms. Reconnects by itself and goes on where it was. */
class Stream {
  #parley;
  #on;
  #source = null;
  #ticket = null;
  #cursor;
  #failures = 0;
  #timer = 0;
  #closed = false;

  constructor(parley, on, cursor) {
    [this.#parley, this.#on, this.#cursor] = [parley, on, cursor];
    addEventListener("online", this.retry);
    this.#connect();
  }

  close() {
    this.#closed = true;
    removeEventListener("online", this.retry);
    this.#drop();
  }

  /** Reconnect now rather than when the wait is over. */
  retry = () => this.#closed || this.#source || this.#connect();

  async #connect() {
    this.#drop();
    this.#on.state("connecting", "");
    this.#heard();
    const attempt = this.#timer;
    const error = await this.#renewTicket().catch((error) => error);
    if (attempt !== this.#timer || this.#closed) return; // a later attempt is on its way
    if (!error) this.#listen();
    else if (mayPass(error)) this.#again(error.message);
    else {
      this.close();
      this.#on.state("refused", error.message);
    }
  }

  // EventSource can't send the token, so a ticket goes into the address. It can be used again
  // for as long as it lives; one that was refused is not used again.
  async #renewTicket() {
    if (this.#ticket && Date.now() < this.#ticket.until) return;
    this.#ticket = null;
    const { ticket, expires_in } = await this.#parley.request("POST", "/v1/stream-tickets", {});
    this.#ticket = { ticket, until: Date.now() + expires_in * 800 };
  }

  #listen() {
    const search = new URLSearchParams({ ticket: this.#ticket.ticket });
    if (this.#cursor) search.set("cursor", this.#cursor);
    const source = new EventSource(`${this.#parley.base}/v1/stream?${search}`);
    const on = (name, take) =>
      source.addEventListener(name, (event) => {
        this.#heard();
        take(JSON.parse(event.data), event);
      });
    let why = "";
    on("ping", () => {});
    on("hello", (hello) => this.#hello(hello));
    on("message", (event, { lastEventId }) => this.#event(event, lastEventId));
    on("goodbye", (goodbye) => (why = goodbye.reason));
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this.#streamRefused();
      this.#again(why);
    };
    this.#source = source;
  }

  // EventSource does not say why. So try a new ticket, then without the cursor: a `reset`.
  #streamRefused() {
    if (!this.#ticket.worked) this.#cursor = "";
    this.#ticket = null;
  }

  #hello(hello) {
    this.#failures = 0;
    this.#ticket.worked = true;
    const first = !this.#cursor;
    this.#cursor = hello.cursor;
    this.#on.hello?.(hello);
    this.#on.state("live", "");
    // Where the server could not go on from the cursor, its own `reset` follows.
    if (first && hello.recovered) this.#on.reset(hello.rooms);
  }

  #event(event, cursor) {
    if (cursor) this.#cursor = cursor;
    if (event.kind === "reset") this.#on.reset(event.rooms);
    else this.#on.event(event);
  }

  #heard() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#again("The server fell silent."), SILENCE_MS);
  }

  #again(why = "") {
    this.#drop();
    if (this.#closed) return;
    this.#on.state("waiting", why);
    this.#timer = setTimeout(() => this.#connect(), backoff(this.#failures++));
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}
