// Parley's client for web pages: the HTTP API, and a stream that reconnects by itself. This file
// needs no other: copy it, or import it from an edge.
//
//   const parley = new Parley(token);
//   parley.stream({
//     event: (event) => …,        // every log event of the user's rooms, once, in the order of
//                                 // `n`; passing events (typing, receipts, unread) have no `n`
//     reset: (rooms) => …,        // load these rooms by `history`: at the start, and after a gap
//     state: (state, why) => …,   // "connecting", "live", "waiting", "refused"
//     hello: ({ user, rooms }) => …, // optional: each time the stream is live
//   });
//   await parley.send("lobby", "Hello");

const SILENCE_MS = 40_000; // the server pings every 15 s
const NETWORK_EVENTS = ["online", "offline"];

/** The server's refusal: `status` is HTTP's, `code` is for programs, `message` for people. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `The server answered ${status}.`);
    this.name = "Refused";
    this.status = status;
    this.code = problem.code ?? "";
  }
}

/** There was no answer, or none that could be read: `cause` says why. */
export class NoAnswer extends Error {
  constructor(cause) {
    super("The server could not be reached.", { cause });
    this.name = "NoAnswer";
  }
}

/** Whether the same request may succeed later: there was no answer, an overload, or a restart. A
 *  fault in a program is none of these. */
export function mayPass(error) {
  if (!(error instanceof Refused)) return error instanceof NoAnswer;
  return error.status >= 500 || [408, 429].includes(error.status);
}

/** The milliseconds to wait after so many failures: exponential, with jitter. */
export function backoff(failures) {
  return Math.min(30_000, 500 * 2 ** failures) * (0.5 + Math.random());
}

/** A new unique id, for `client_id`. */
export function newId() {
  // Only pages from https:// and localhost have randomUUID.
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const inRoom = (...path) => `/v1/rooms/${path.map(encodeURIComponent).join("/")}`;
const asQuery = (query) => `?${new URLSearchParams(query)}`;

export class Parley {
  #token;

  /** `token` is the user's JWT; `base` is the edge's address, by default the page's own. */
  constructor(token, base = "") {
    this.#token = token;
    this.base = base;
  }

  /** Sends one request. Resolves to the answer's JSON, or null without one. Throws `Refused` or
   *  `NoAnswer`. */
  async request(method, path, body) {
    const request = {
      method,
      headers: { Authorization: `Bearer ${this.#token}`, "Content-Type": "application/json" },
      body: JSON.stringify(body), // of undefined: undefined, so no body
      cache: "no-store",
      signal: AbortSignal.timeout(30_000),
    };
    const noAnswer = (error) => {
      throw new NoAnswer(error);
    };
    const response = await fetch(this.base + path, request).catch(noAnswer);
    if (response.ok) return response.status === 204 ? null : response.json().catch(noAnswer);
    throw new Refused(response.status, await response.json().catch(() => ({})));
  }

  /** All rooms with their unread counts, and a `cursor`: a stream from there misses nothing. */
  sync = () => this.request("GET", "/v1/sync");
  room = (room) => this.request("GET", inRoom(room));

  /** `body`: type, and name or user. Repeated with the same `client_id`, it counts once. */
  createRoom = (body) => this.request("POST", "/v1/rooms", { client_id: newId(), ...body });
  /** `changes`: name, topic, settings, archived. */
  changeRoom = (room, changes) => this.request("PATCH", inRoom(room), changes);

  /** The members by name. `query`: after, limit. */
  members = (room, query = {}) => this.request("GET", inRoom(room, "members") + asQuery(query));
  /** Adds a member. A user joins a public room by adding themselves. */
  addMember = (room, user) => this.request("POST", inRoom(room, "members"), { user });
  changeRole = (room, user, role) => this.request("PATCH", inRoom(room, "members", user), { role });
  /** Removes a member. A user leaves a room by removing themselves. */
  removeMember = (room, user) => this.request("DELETE", inRoom(room, "members", user));

  /** `query`: before_seq, after_seq, limit, thread. Messages ascend by `seq`. */
  history = (room, query = {}) => this.request("GET", inRoom(room, "messages") + asQuery(query));
  /** `more`: reply_to, thread, attachments, meta. Repeat it with the same `client_id` until there
   *  is an answer: the message counts once. */
  send = (room, text, client_id = newId(), more = {}) =>
    this.request("POST", inRoom(room, "messages"), { ...more, text, client_id });
  edit = (room, seq, text) => this.request("PATCH", inRoom(room, "messages", seq), { text });
  delete = (room, seq) => this.request("DELETE", inRoom(room, "messages", seq));
  react = (room, seq, emoji) =>
    this.request("PUT", inRoom(room, "messages", seq, "reactions", emoji));
  unreact = (room, seq, emoji) =>
    this.request("DELETE", inRoom(room, "messages", seq, "reactions", emoji));
  /** Reports a message to the room's moderators. */
  report = (room, seq, reason) =>
    this.request("POST", inRoom(room, "messages", seq, "report"), { reason });

  /** The review queue, for moderators. `query`: room, status, limit, after. */
  queue = (query = {}) => this.request("GET", `/v1/moderation/queue${asQuery(query)}`);
  /** `action`: approve or reject for a held message, remove or dismiss for a reported one. */
  decide = (item, action, reason = "") =>
    this.request("POST", `/v1/moderation/queue/${encodeURIComponent(item)}`, { action, reason });
  /** `body`: sanction ("mute" or "ban"), seconds, reason. */
  sanction = (room, user, body) => this.request("PUT", inRoom(room, "sanctions", user), body);
  liftSanction = (room, user) => this.request("DELETE", inRoom(room, "sanctions", user));
  sanctions = (room) => this.request("GET", inRoom(room, "sanctions"));

  /** `query`: q, room, limit, before. */
  search = (query) => this.request("GET", `/v1/search${asQuery(query)}`);

  /** Marks the messages up to `seq` as read. */
  read = (room, seq) => this.request("PUT", inRoom(room, "read"), { seq });
  /** How far each member has read. `query`: seq, for those who have read that message. */
  receipts = (room, query = {}) => this.request("GET", inRoom(room, "receipts") + asQuery(query));
  /** The unread counts, by room and in total. */
  unread = () => this.request("GET", "/v1/unread");

  /** Shows the user as typing for 5 seconds. Call it every 3 seconds while the user types. */
  typing = (room) => this.request("POST", inRoom(room, "typing"));
  /** The presence of at most 100 users. */
  presence = (users) =>
    this.request("GET", `/v1/presence${asQuery(users.map((user) => ["user", user]))}`);
  /** `status`: "online" or "away". */
  setPresence = (status) => this.request("PUT", "/v1/presence", { status });

  /** Follows all rooms of the user, from `cursor` if given. `on`: see the top of this file.
   *  `close()` of the stream ends it. */
  stream(on, cursor = "") {
    return new Stream(this, on, cursor);
  }
}

/** The events of all the user's rooms. Reconnects by itself and resumes from the last cursor. */
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
    for (const name of NETWORK_EVENTS) globalThis.addEventListener?.(name, this.check);
    this.#connect();
  }

  /** Where the next connection would resume. */
  get cursor() {
    return this.#cursor;
  }

  close() {
    this.#closed = true;
    for (const name of NETWORK_EVENTS) globalThis.removeEventListener?.(name, this.check);
    this.#disconnect();
  }

  /** Reconnects now: whether the server can be reached shows at once. */
  check = () => this.#closed || this.#connect();

  async #connect() {
    this.#disconnect();
    this.#on.state("connecting", "");
    if (this.#closed) return; // by the callback
    this.#resetSilenceTimer();
    const attempt = this.#timer;
    const error = await this.#renewTicket().catch((error) => error);
    if (attempt !== this.#timer || this.#closed) return; // a later attempt is on its way
    if (!error) this.#openStream();
    else if (mayPass(error)) this.#reconnectLater(error.message);
    else {
      this.close();
      this.#on.state("refused", error.message);
    }
  }

  // EventSource can't send the token, so the address has a ticket instead. A ticket is used until
  // it expires or is refused.
  async #renewTicket() {
    if (this.#ticket && Date.now() < this.#ticket.until) return;
    this.#ticket = null;
    const { ticket, expires_in } = await this.#parley.request("POST", "/v1/stream-tickets", {});
    this.#ticket = { ticket, until: Date.now() + expires_in * 800 }; // 80 % of its life
  }

  #openStream() {
    const search = new URLSearchParams({ ticket: this.#ticket.ticket });
    if (this.#cursor) search.set("cursor", this.#cursor);
    const source = new EventSource(`${this.#parley.base}/v1/stream?${search}`);
    const on = (name, take) =>
      source.addEventListener(name, (event) => {
        this.#resetSilenceTimer();
        take(JSON.parse(event.data), event);
      });
    let why = "";
    on("ping", () => {});
    on("hello", (hello) => this.#hello(hello));
    on("message", (event, { lastEventId }) => this.#event(event, lastEventId));
    on("goodbye", (goodbye) => (why = goodbye.reason));
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) this.#handleRefusal();
      this.#reconnectLater(why);
    };
    this.#source = source;
  }

  // EventSource does not tell why it was refused. The next attempt uses a new ticket; if that one
  // is refused too, the attempt after it has no cursor, which leads to a `reset`.
  #handleRefusal() {
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
    // A stream that could not resume from its cursor gets a `reset` from the server.
    if (first && hello.recovered) this.#on.reset(hello.rooms);
  }

  #event(event, cursor) {
    if (cursor) this.#cursor = cursor;
    if (event.kind === "reset") this.#on.reset(event.rooms);
    else this.#on.event(event);
  }

  #resetSilenceTimer() {
    clearTimeout(this.#timer);
    const onSilence = () => this.#reconnectLater("The server stopped responding.");
    this.#timer = setTimeout(onSilence, SILENCE_MS);
  }

  #reconnectLater(why = "") {
    this.#disconnect();
    if (this.#closed) return;
    this.#on.state("waiting", why);
    if (this.#closed) return; // by the callback
    this.#timer = setTimeout(() => this.#connect(), backoff(this.#failures++));
  }

  #disconnect() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }
}
