// The review queue of a room, for those who moderate it: in the panel, beside the room.

import { askFor, lineOf } from "../lib/dialogs.js";
import { sanction } from "./sanctions.js";
import { attempt, button, element, make, nameOf, timeNode } from "../lib/dom.js";

const PAGE = 20;
const EVERY_MS = 20_000;
// The queue is read from the history, which stands a moment behind what has just been decided.
const SOON_MS = 1_500;
const BEHIND_MS = 5_000;

const CHOICES = {
  held: [
    ["approve", "Approve"],
    ["reject", "Reject …"],
  ],
  report: [
    ["remove", "Remove …"],
    ["dismiss", "Dismiss"],
  ],
};

export class Review {
  #parley;
  #room;
  #on;
  #me;
  #timer = 0;
  #after = "";
  #isShown = false;
  #decided = new Map();

  /** `on.count(number)` is called with how many wait; "20+" where there are more than that. */
  constructor(parley, room, me, on) {
    [this.#parley, this.#room, this.#me, this.#on] = [parley, room, me, on];
    this.look();
  }

  close() {
    clearTimeout(this.#timer);
    this.#room = "";
  }

  /** How many wait, now and again. */
  async look(pause = EVERY_MS) {
    clearTimeout(this.#timer);
    const room = this.#room;
    if (document.visibilityState === "visible") {
      const page = await this.#parley.queue({ room, limit: PAGE }).catch(() => null);
      if (!this.#room) return;
      if (page) this.#tell(page);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.look(), pause);
  }

  #tell({ items, has_more }) {
    const open = this.#open(items);
    this.#on.count(has_more ? `${PAGE}+` : open.length || "");
    const isNew = ({ id }) => !document.querySelector(`[data-item="${CSS.escape(id)}"]`);
    if (this.#isShown && open.some(isNew)) this.show();
  }

  #open(items) {
    const settled = Date.now() - BEHIND_MS;
    return items.filter(({ id }) => !(this.#decided.get(id) > settled));
  }

  /** Fill the panel. */
  async show() {
    this.#isShown = true;
    this.#after = "";
    element("panel-title").textContent = "Review";
    const list = make("ol", "queue");
    element("panel-body").replaceChildren(list);
    await attempt(this.#more(list));
  }

  hide() {
    this.#isShown = false;
  }

  async #more(list) {
    const query = { room: this.#room, limit: PAGE, ...(this.#after && { after: this.#after }) };
    const { items, has_more, after = "" } = await this.#parley.queue(query);
    if (!this.#isShown || !list.isConnected) return;
    list.querySelector(".more-results")?.remove();
    list.append(...this.#open(items).map((item) => this.#nodeOf(item)));
    this.#after = after;
    if (!list.childElementCount) list.append(make("li", "nothing", "Nothing waits."));
    if (!has_more) return;
    const more = button("plain", "More", () => attempt(this.#more(list)));
    list.append(make("li", "more-results", more));
  }

  #nodeOf(item) {
    const { id, kind, author, text, at_ms, verdict, reports = [] } = item;
    const said = make("p", "text", text || "An attachment");
    said.dir = "auto";
    const head = make("p", "", nameOf(author), " ", timeNode(at_ms, { short: true }));
    const node = make("li", "queued", head, said, ...whyOf(verdict, reports));
    node.dataset.item = id;
    const done = () => {
      this.#decided.set(id, Date.now());
      node.remove();
      this.look(SOON_MS);
    };
    const buttons = CHOICES[kind].map(([action, label]) =>
      button(action === "approve" ? "primary" : "plain", label, () => this.#do(item, action, done)),
    );
    if (author && author !== this.#me) {
      buttons.push(button("plain", "Mute or ban …", () => sanction(this.#parley, this.#room, author)));
    }
    node.append(make("div", "row", ...buttons));
    return node;
  }

  async #do({ id }, action, done) {
    const needsReason = action === "reject" || action === "remove";
    const given = needsReason
      ? await askFor(`Why ${action} it?`, "", [["Reason", lineOf("reason")]], "Go on")
      : {};
    if (!given) return;
    const decided = this.#parley.decide(id, action, given.reason ?? "");
    if (await attempt(decided)) done();
  }
}

function* whyOf(verdict, reports) {
  for (const { rule, reason, matched = [] } of verdict?.findings ?? []) {
    const what = matched.length ? `: ${matched.join(", ")}` : "";
    const node = make("p", "why", `${rule}${what}`);
    node.title = reason;
    yield node;
  }
  for (const { by, reason } of reports) {
    yield make("p", "why", "Reported by ", nameOf(by), reason ? `: ${reason}` : "");
  }
}
