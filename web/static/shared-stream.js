// The stream as one tab follows it: from a snapshot on, and by the shared worker's stream where the
// browser has shared workers. Without one, the tab has a stream of its own.

const JOIN_MS = 5000; // a worker that does not answer by then is not waited for

export class SharedStream {
  #parley;
  #port = null;
  #snapshot = null;
  #stream = null; // the tab's own
  #on = null;
  #waiting = []; // what has come before `follow`
  #joined = () => {};

  /** `token` is the one of `parley`. */
  constructor(parley, token) {
    this.#parley = parley;
    try {
      this.#attach(token);
    } catch {
      // No shared workers here, or they are forbidden, as in a frame with cookies blocked.
    }
    const check = () => this.#say({ check: {} });
    for (const name of ["online", "offline"]) addEventListener(name, check);
    addEventListener("pagehide", () => this.#say({ leave: {} }));
  }

  /** Resolves to a snapshot, from which the stream goes on. Throws as requests do. */
  async begin() {
    for (let joined = "again"; joined === "again"; ) {
      this.#snapshot = await this.#parley.sync();
      joined = this.#port ? await this.#join(this.#snapshot) : "no";
      if (joined === "no") this.#leave();
    }
    return this.#snapshot;
  }

  /** Tells everything from the snapshot on. `on`: as for `Parley.stream`. */
  follow(on) {
    const known = new Map(this.#snapshot.rooms.map(({ room, n }) => [room, n]));
    // The cursor is a moment older than the snapshot's rooms.
    const event = (found) => found.n <= (known.get(found.room) ?? 0) || on.event(found);
    this.#on = { ...on, event };
    if (!this.#port) this.#stream = this.#parley.stream(this.#on, this.#snapshot.cursor);
    for (const { call, args } of this.#waiting.splice(0)) this.#on[call](...args);
  }

  #attach(token) {
    const name = "parley stream 1"; // counts the protocol's versions: old tabs may be open
    const url = new URL("./stream-worker.js", import.meta.url);
    const worker = new SharedWorker(url, { type: "module", name });
    worker.addEventListener("error", () => this.#joined("no"));
    this.#port = worker.port;
    this.#port.onmessage = ({ data }) => this.#heard(data);
    this.#say({ attach: { token, key: userOf(token), base: this.#parley.base } });
  }

  #join({ cursor, user }) {
    this.#say({ start: { cursor, user } });
    return new Promise((resolve) => {
      this.#joined = resolve;
      setTimeout(() => resolve("no"), JOIN_MS);
    });
  }

  #leave() {
    this.#say({ leave: {} });
    if (this.#port) this.#port.onmessage = null;
    this.#port = null;
    this.#waiting = [];
  }

  #heard({ joined, call, args }) {
    if (joined) {
      // What is no event was about the time before the snapshot.
      this.#waiting = this.#waiting.filter((one) => one.call === "event");
      this.#joined(joined);
    } else if (this.#on) this.#on[call](...args);
    else this.#waiting.push({ call, args });
  }

  #say(message) {
    this.#port?.postMessage(message);
  }
}

// The user that a token names, so that all tabs of a user find each other; a token that names
// nobody is shared by the tabs that have it. The snapshot tells whether the server agrees.
function userOf(token) {
  try {
    const claims = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    return JSON.parse(atob(claims)).sub || token;
  } catch {
    return token;
  }
}
