// What later events do to a message: edits, deletions, reactions, replies. Every change is
// idempotent: applied twice, or to a message that has it already, it changes nothing.

import { own } from "../lib/own.js";

const CHANGES = {
  "message.edited": edited,
  "message.deleted": deleted,
  "message.hidden": hidden,
  "message.created": repliedTo,
  "reaction.added": reactionAdded,
  "reaction.removed": reactionRemoved,
};

/** The `seq` of the message that an event changes; 0 if it changes none. A reply in a thread
 *  changes the thread's root. */
export function changedSeq(event) {
  if (event.kind === "message.created") return event.thread ?? 0;
  return own(CHANGES, event.kind) ? event.seq : 0;
}

/** Whether an event takes a message's content away. */
export const removesMessage = ({ kind }) => kind === "message.deleted" || kind === "message.hidden";

/** The message after the event. */
export function applyChange(message, event) {
  return message.deleted && event.kind !== "message.created"
    ? message
    : CHANGES[event.kind](message, event);
}

function edited(message, { text, by, at_ms, mentions = [], everyone = false }) {
  const edited_by = by === message.by ? "" : by;
  return { ...message, text, mentions, everyone, edited_ms: at_ms, edited_by };
}

function deleted(message) {
  const { attachments, meta, reactions, mentions, everyone, ...rest } = message;
  return { ...rest, text: "", deleted: true };
}

function hidden(message) {
  return { ...deleted(message), hidden: true };
}

// A message out of history already counts the replies up to its `last_reply_seq`. Times don't tell:
// two replies may have the same, and the clock may step back.
function repliedTo(message, { seq }) {
  if (seq <= (message.last_reply_seq ?? 0)) return message;
  return { ...message, replies: (message.replies ?? 0) + 1, last_reply_seq: seq };
}

// History lists in `by` everyone, or the first few and the reader.
function reactionAdded(message, { emoji, by }) {
  const before = own(message.reactions, emoji) ?? { count: 0, by: [] };
  if (before.by.includes(by)) return message;
  const after = { count: before.count + 1, by: [...before.by, by] };
  return { ...message, reactions: { ...message.reactions, [emoji]: after } };
}

function reactionRemoved(message, { emoji, by }) {
  const before = own(message.reactions, emoji);
  if (!before) return message;
  const { [emoji]: _, ...others } = message.reactions;
  const named = before.by.filter((user) => user !== by);
  if (named.length === before.by.length && before.count === named.length) return message;
  if (before.count === 1) return { ...message, reactions: others };
  const after = { count: before.count - 1, by: named };
  return { ...message, reactions: { ...message.reactions, [emoji]: after } };
}
