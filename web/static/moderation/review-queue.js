// The review queue of the open room, for its moderators: held and reported messages in the side
// panel, and the number of them in the room's header.

import { formDialog, reasonInput } from "../lib/dialogs.js";
import { button, byId, make, nameNode, timeNode } from "../lib/dom.js";
import { attempt } from "../lib/toast.js";
import { sanctionUser } from "./sanctions.js";

const PAGE = 20;
const POLL_MS = 20_000;
// The queue is read from history, which is a moment behind: a decided item may still be listed.
const POLL_AFTER_DECISION_MS = 1_500;
const HISTORY_LAG_MS = 5_000;

const DECISIONS = {
  held: [
    ["approve", "Approve"],
    ["reject", "Reject …"],
  ],
  report: [
    ["remove", "Remove …"],
    ["dismiss", "Dismiss"],
  ],
};

export class ReviewQueue {
  #parley;
  #room;
  #me;
  #on;
  #timer = 0;
  #after = ""; // where the next page begins
  #isShown = false;
  #decidedAt = new Map(); // by item id

  /** `on.count(number)` is called with the number of open items: "20+" if there are more. */
  constructor(parley, room, me, on) {
    [this.#parley, this.#room, this.#me, this.#on] = [parley, room, me, on];
    this.#poll();
  }

  close() {
    clearTimeout(this.#timer);
    this.#room = "";
  }

  /** Fills the side panel. */
  async show() {
    this.#isShown = true;
    this.#after = "";
    byId("side-panel-title").textContent = "Review";
    const list = make("ol", "queue");
    byId("side-panel-body").replaceChildren(list);
    await attempt(this.#loadPage(list));
  }

  hide() {
    this.#isShown = false;
  }

  // Now, and then every `pause`.
  async #poll(pause = POLL_MS) {
    clearTimeout(this.#timer);
    const room = this.#room;
    if (document.visibilityState === "visible") {
      const page = await this.#parley.queue({ room, limit: PAGE }).catch(() => null);
      if (!this.#room) return;
      if (page) this.#showCount(page);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#poll(), pause);
  }

  #showCount({ items, has_more }) {
    const open = this.#withoutDecided(items);
    this.#on.count(has_more ? `${PAGE}+` : open.length || "");
    const isNew = ({ id }) => !document.querySelector(`[data-item="${CSS.escape(id)}"]`);
    if (this.#isShown && open.some(isNew)) this.show();
  }

  #withoutDecided(items) {
    const since = Date.now() - HISTORY_LAG_MS;
    return items.filter(({ id }) => !(this.#decidedAt.get(id) > since));
  }

  async #loadPage(list) {
    const query = { room: this.#room, limit: PAGE, ...(this.#after && { after: this.#after }) };
    const { items, has_more, after = "" } = await this.#parley.queue(query);
    if (!this.#isShown || !list.isConnected) return;
    list.querySelector(".more-results")?.remove();
    list.append(...this.#withoutDecided(items).map((item) => this.#itemNode(item)));
    this.#after = after;
    if (!list.childElementCount) list.append(make("li", "empty", "Nothing to review."));
    if (!has_more) return;
    const more = button("plain", "More", () => attempt(this.#loadPage(list)));
    list.append(make("li", "more-results", more));
  }

  #itemNode(item) {
    const { id, kind, author, text, at_ms, verdict, reports = [] } = item;
    const message = make("p", "text", text || "An attachment");
    message.dir = "auto";
    const head = make("p", "", nameNode(author), " ", timeNode(at_ms, { short: true }));
    const node = make("li", "queue-item", head, message, ...findingNodes(verdict, reports));
    node.dataset.item = id;
    const decided = () => {
      this.#decidedAt.set(id, Date.now());
      node.remove();
      this.#poll(POLL_AFTER_DECISION_MS);
    };
    const buttons = DECISIONS[kind].map(([action, label]) =>
      button(action === "approve" ? "primary" : "plain", label, () =>
        this.#decide(item, action, decided),
      ),
    );
    if (author && author !== this.#me) {
      const sanction = () => sanctionUser(this.#parley, this.#room, author);
      buttons.push(button("plain", "Mute or ban …", sanction));
    }
    node.append(make("div", "row", ...buttons));
    return node;
  }

  async #decide({ id }, action, decided) {
    const needsReason = action === "reject" || action === "remove";
    const given = needsReason
      ? await formDialog(`Why ${action} it?`, "", [["Reason", reasonInput()]], "Continue")
      : {};
    if (!given) return;
    const decision = this.#parley.decide(id, action, given.reason ?? "");
    if (await attempt(decision)) decided();
  }
}

// Why a message is in the queue: the rules that held it, the members who reported it.
function* findingNodes(verdict, reports) {
  for (const { rule, reason, matched = [] } of verdict?.findings ?? []) {
    const words = matched.length ? `: ${matched.join(", ")}` : "";
    const node = make("p", "finding", `${rule}${words}`);
    node.title = reason;
    yield node;
  }
  for (const { by, reason } of reports) {
    yield make("p", "finding", "Reported by ", nameNode(by), reason ? `: ${reason}` : "");
  }
}
