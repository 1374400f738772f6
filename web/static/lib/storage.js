// Storage that never fails. What the browser does not store, because its storage is full or
// forbidden, is kept in the page, and by the history entry, which survives a reload.

const MIRROR_AFTER_MS = 300; // browsers limit how often a history entry changes
const MIRROR_LIMIT = 100_000; // characters

// What could not be stored, by the storage's name and the key.
const kept = new Map(Object.entries(globalThis.history?.state?.kept ?? {}));
let timer = 0;
let mirroredAt = 0;

function mirror() {
  clearTimeout(timer);
  timer = 0;
  mirroredAt = Date.now();
  const values = Object.fromEntries(kept);
  const isSmall = JSON.stringify(values).length < MIRROR_LIMIT;
  history.replaceState({ ...history.state, kept: isSmall ? values : {} }, "");
}

function mirrorSoon() {
  if (!globalThis.history) return;
  if (Date.now() - mirroredAt > MIRROR_AFTER_MS) mirror();
  else timer ||= setTimeout(mirror, MIRROR_AFTER_MS);
}

// By the time of `pagehide`, a reload has looked at the entry already.
globalThis.addEventListener?.("beforeunload", () => timer && mirror());
// Each history entry has a state of its own.
globalThis.addEventListener?.("hashchange", () => kept.size && mirrorSoon());

class SafeStorage {
  #name;
  #area = null;

  constructor(name) {
    this.#name = name;
    try {
      this.#area = globalThis[name];
    } catch {
      // Cookies are blocked: the property itself throws.
    }
  }

  /** The value of a key, or null. */
  get(key) {
    return kept.get(this.#kept(key)) ?? this.#area?.getItem(key) ?? null;
  }

  set(key, value) {
    try {
      this.#area.setItem(key, value);
      this.#forget(key);
    } catch {
      kept.set(this.#kept(key), value);
      mirrorSoon();
    }
  }

  remove(key) {
    this.#area?.removeItem(key);
    this.#forget(key);
  }

  /** The keys that begin with a text. */
  keys(prefix) {
    const others = [...kept.keys()].filter((key) => key.startsWith(this.#kept("")));
    const all = new Set([
      ...Object.keys(this.#area ?? {}),
      ...others.map((key) => key.slice(this.#kept("").length)),
    ]);
    return [...all].filter((key) => key.startsWith(prefix));
  }

  #kept(key) {
    return `${this.#name} ${key}`;
  }

  #forget(key) {
    if (kept.delete(this.#kept(key))) mirrorSoon();
  }
}

/** Kept until the tab is closed. */
export const tabStorage = new SafeStorage("sessionStorage");
/** Kept for good, and shared by all tabs. */
export const browserStorage = new SafeStorage("localStorage");
