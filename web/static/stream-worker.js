// A shared worker: one stream for all tabs of a user. A browser opens six connections to a server,
// and six tabs with a stream each would leave none for requests.
//
// A tab says `attach` and gets everything from then on, takes a snapshot, and says `start`. The
// answer is `joined`: "yes", "again" where the snapshot may be older than the stream's beginning,
// or "no" where the stream is another user's. `check` reconnects, `leave` ends the tab's part.

import { Parley } from "./parley.js";

const feeds = new Map(); // by key

class Feed {
  #key;
  #tabs = new Map(); // port: { token, sawBeginning }
  #stream = null;
  #user = "";
  #state = ["connecting", ""];

  constructor(key) {
    this.#key = key;
  }

  attach(port, { token, base }) {
    this.base = base;
    this.#tabs.set(port, { token, sawBeginning: Boolean(this.#stream) });
  }

  start(port, { cursor, user }) {
    const tab = this.#tabs.get(port);
    if (this.#stream && this.#user !== user) return port.postMessage({ joined: "no" });
    if (this.#stream && !tab.sawBeginning) {
      tab.sawBeginning = true;
      return port.postMessage({ joined: "again" });
    }
    port.postMessage({ joined: "yes" });
    if (this.#stream) return port.postMessage({ call: "state", args: this.#state });
    this.#user = user;
    // All that are attached by now hear it from its beginning, but their snapshots may be older.
    this.#open(cursor, tab.token);
  }

  check() {
    this.#stream?.check();
  }

  leave(port) {
    this.#tabs.delete(port);
    if (this.#tabs.size) return;
    this.#stream?.close();
    feeds.delete(this.#key);
  }

  #open(cursor, token) {
    const tell = (call) => (...args) => this.#tell(call, args);
    const on = { event: tell("event"), reset: tell("reset"), hello: tell("hello") };
    const state = (...args) => {
      if (args[0] === "refused") return this.#refused(token, args);
      this.#state = args;
      this.#tell("state", args);
    };
    this.#stream = new Parley(token, this.base).stream({ ...on, state }, cursor);
  }

  // A token has expired, or was taken back. Another tab may have a newer one.
  #refused(token, why) {
    const cursor = this.#stream.cursor;
    this.#stream = null;
    for (const tab of this.#tabs.values()) if (tab.token === token) tab.token = "";
    const other = [...this.#tabs.values()].findLast((tab) => tab.token);
    if (other) this.#open(cursor, other.token);
    else {
      this.#tell("state", why);
      this.#tabs.clear(); // they begin anew when they are loaded anew
    }
  }

  #tell(call, args) {
    for (const port of this.#tabs.keys()) port.postMessage({ call, args });
  }
}

globalThis.onconnect = ({ ports: [port] }) => {
  let feed = null;
  port.onmessage = ({ data }) => {
    if (data.attach) {
      const { key } = data.attach;
      if (!feeds.has(key)) feeds.set(key, new Feed(key));
      feed = feeds.get(key);
      feed.attach(port, data.attach);
    }
    if (data.start) feed?.start(port, data.start);
    if (data.check) feed?.check();
    if (data.leave) feed = feed?.leave(port) ?? null;
  };
};
