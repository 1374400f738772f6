// How messages look.

import { textNode } from "./mentions.js";
import { button, dayOf, exactly, make, nameOf, namesOf, timeNode } from "../lib/dom.js";

const GROUP_MS = 5 * 60_000;
const QUOTED = 120; // characters

/** A message's list item. `quoteOf(seq)`: a message that another one quotes, where it is known. */
export function messageNode(message, me, quoteOf = () => undefined) {
  const item = make("li", "message");
  item.classList.toggle("own", message.by === me);
  item.classList.toggle("gone", Boolean(message.deleted));
  if (message.seq) item.dataset.seq = message.seq;
  // In the shadow: there for its author alone.
  item.hidden = Boolean(message.hidden && !message.by);
  const bubble = make("div", "bubble", nameOf(message.by));
  const quoted = message.reply_to || message.thread;
  if (quoted && !message.deleted) bubble.append(quoteNode(message, quoted, quoteOf(quoted)));
  bubble.append(textNode(message, me), ...filesOf(message), stampOf(message));
  const line = make("div", "line", bubble);
  if (message.seq && !message.deleted) line.append(menuButton(message));
  item.append(line, underOf(message, me));
  return item;
}

/** Where a new day begins, the day; where one person goes on, no name again. */
export function arrange(node, message, previous) {
  const date = dayOf(message.at_ms);
  const sameDay = previous && dayOf(previous.at_ms) === date;
  const close = sameDay && message.at_ms - previous.at_ms < GROUP_MS;
  node.classList.toggle("follows", Boolean(close && previous.by === message.by));
  node.querySelector(":scope > .day")?.remove();
  if (!sameDay) node.prepend(make("p", "day", date));
}

/** A message in a line. */
export function inShort({ text, deleted, hidden }) {
  if (deleted) return hidden ? "A moderator took this away." : "This message was deleted.";
  return text.length > QUOTED ? `${text.slice(0, QUOTED)} …` : text || "An attachment";
}

function quoteNode(message, seq, quoted) {
  const isThread = !message.reply_to;
  const node = button("quote", "", isThread ? "thread" : "quote");
  node.dataset.of = seq;
  if (isThread) node.append(make("span", "in", "In the thread of "));
  if (quoted) {
    const text = make("span", "said", inShort(quoted));
    text.dir = "auto";
    node.append(nameOf(quoted.by), text);
  } else {
    node.append(make("span", "said", `message ${seq}`));
  }
  return node;
}

function* filesOf({ attachments = [] }) {
  for (const { url, name, size } of attachments) {
    if (!/^https?:/.test(url)) continue;
    const link = make("a", "file", name || url, size ? ` (${sizeOf(size)})` : "");
    Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer" });
    yield link;
  }
}

function sizeOf(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** unit).toFixed(unit && bytes < 10 * 1000 ** unit ? 1 : 0)} ${units[unit]}`;
}

function stampOf({ at_ms, edited_ms, deleted }) {
  const stamp = make("span", "stamp");
  if (edited_ms && !deleted) {
    const edited = make("span", "edited", "edited");
    edited.title = exactly(edited_ms);
    stamp.append(edited, " ");
  }
  stamp.append(timeNode(at_ms));
  return stamp;
}

function menuButton({ by, seq }) {
  const node = button("more", "⋯", "menu");
  node.setAttribute("aria-label", `Actions for message ${seq} by ${by}`);
  node.setAttribute("aria-haspopup", "menu");
  node.dataset.key = "menu";
  return node;
}

// What stands under a message: reactions, its thread; `seen` comes and goes with receipts.
function underOf({ reactions = {}, replies = 0, deleted }, me) {
  const under = make("div", "under");
  for (const [emoji, { count, by }] of deleted ? [] : Object.entries(reactions)) {
    const chip = button("reaction", `${emoji} ${count}`, "react");
    chip.dataset.emoji = chip.dataset.key = emoji;
    chip.setAttribute("aria-pressed", by.includes(me));
    const others = count - by.length;
    chip.title = namesOf(by) + (others > 0 ? ` and ${others} more` : "");
    under.append(chip);
  }
  if (replies) {
    const label = replies === 1 ? "1 reply" : `${replies} replies`;
    const thread = button("replies", label, "thread");
    thread.dataset.key = "thread";
    under.append(thread);
  }
  return under;
}
