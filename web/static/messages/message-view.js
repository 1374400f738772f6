// How a message looks: one list item with its text, attachments, reactions and thread.

import {
  button,
  formatDateTime,
  formatDay,
  joinNames,
  lookAlikeNode,
  make,
  nameNode,
  timeNode,
} from "../lib/dom.js";
import { cut } from "../lib/text.js";
import { textNodes } from "./message-text.js";

const GROUP_MS = 5 * 60_000;
const SUMMARY_LENGTH = 120; // characters, as a reader counts them

/** A message's list item. `quotedMessage(seq)` returns a message that this one quotes, or
 *  undefined while it is not loaded. */
export function messageNode(message, me, quotedMessage = () => undefined) {
  const item = make("li", "message");
  item.classList.toggle("own", message.by === me);
  item.classList.toggle("deleted", Boolean(message.deleted));
  if (message.seq) item.dataset.seq = message.seq;
  // A shadow-hidden message of somebody else arrives without an author: only its number is used.
  item.hidden = Boolean(message.hidden && !message.by);
  const bubble = make("div", "bubble", nameNode(message.by));
  const quotedSeq = message.reply_to || message.thread;
  if (quotedSeq && !message.deleted) {
    bubble.append(quoteNode(message, quotedSeq, quotedMessage(quotedSeq)));
  }
  bubble.append(textNode(message, me), ...attachmentNodes(message), timestampNode(message));
  const row = make("div", "message-row", bubble);
  if (message.seq && !message.deleted) row.append(menuButton(message));
  item.append(row, footerNode(message, me));
  return item;
}

/** Marks the name of an author who is taken for another member. */
export function markLookAlike(node, other) {
  if (other) node.querySelector(".bubble > .name").after(lookAlikeNode(other));
}

/** Adjusts a message to the one before it: the first of a day shows the date, and a message soon
 *  after another by the same user does not repeat the name. */
export function groupWithPrevious(node, message, previous) {
  const date = formatDay(message.at_ms);
  const sameDay = previous && formatDay(previous.at_ms) === date;
  const close = sameDay && message.at_ms - previous.at_ms < GROUP_MS;
  node.classList.toggle("grouped", Boolean(close && previous.by === message.by));
  node.querySelector(":scope > .day-divider")?.remove();
  if (!sameDay) node.prepend(make("p", "day-divider", date));
}

/** A message's text in one line. */
export function summaryOf({ text, deleted, hidden }) {
  if (deleted) return removalNotice(hidden);
  const start = cut(text, SUMMARY_LENGTH);
  return start.length < text.length ? `${start} …` : text || "An attachment";
}

function removalNotice(hidden) {
  return hidden ? "A moderator removed this message." : "This message was deleted.";
}

function textNode(message, me) {
  const node = make("div", "text");
  node.dir = "auto";
  if (message.deleted) node.textContent = removalNotice(message.hidden);
  else node.append(...textNodes(message, me));
  return node;
}

function quoteNode(message, seq, quoted) {
  const isThread = !message.reply_to;
  const node = button("quote", "", isThread ? "thread" : "quote");
  node.dataset.quotedSeq = seq;
  if (isThread) node.append(make("span", "", "In the thread of "));
  if (quoted) {
    const text = make("span", "", summaryOf(quoted));
    text.dir = "auto";
    node.append(nameNode(quoted.by), text);
  } else {
    node.append(make("span", "", `message ${seq}`));
  }
  return node;
}

function* attachmentNodes({ attachments = [] }) {
  for (const { url, name, size } of attachments) {
    if (!/^https?:/.test(url)) continue;
    const link = make("a", "attachment", name || url, size ? ` (${formatSize(size)})` : "");
    Object.assign(link, { href: url, target: "_blank", rel: "noopener noreferrer" });
    yield link;
  }
}

function formatSize(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  const unit = Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const digits = unit && bytes < 10 * 1000 ** unit ? 1 : 0;
  return `${(bytes / 1000 ** unit).toFixed(digits)} ${units[unit]}`;
}

function timestampNode({ at_ms, edited_ms, edited_by, deleted }) {
  const timestamp = make("span", "timestamp");
  if (edited_ms && !deleted) {
    const edited = make("span", "edited", "edited");
    if (edited_by) edited.append(" by ", make("bdi", "", edited_by));
    edited.title = formatDateTime(edited_ms);
    timestamp.append(edited, " ");
  }
  timestamp.append(timeNode(at_ms));
  return timestamp;
}

function menuButton({ by, seq }) {
  const node = button("menu-button", "⋯", "menu");
  node.setAttribute("aria-label", `Actions for message ${seq} by ${by}`);
  node.setAttribute("aria-haspopup", "dialog");
  node.dataset.focusKey = "menu";
  return node;
}

// Reactions and the thread's reply count; the room view adds and removes the read receipts.
function footerNode({ reactions = {}, replies = 0, deleted }, me) {
  const footer = make("div", "message-footer");
  for (const [emoji, { count, by }] of deleted ? [] : Object.entries(reactions)) {
    const chip = button("reaction", `${emoji} ${count}`, "react");
    chip.dataset.emoji = chip.dataset.focusKey = emoji;
    chip.setAttribute("aria-pressed", by.includes(me));
    const others = count - by.length;
    chip.title = joinNames(by) + (others > 0 ? ` and ${others} more` : "");
    footer.append(chip);
  }
  if (replies) {
    const label = replies === 1 ? "1 reply" : `${replies} replies`;
    const thread = button("reply-count", label, "thread");
    thread.dataset.focusKey = "thread";
    footer.append(thread);
  }
  return footer;
}
