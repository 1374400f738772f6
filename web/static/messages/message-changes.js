// What happens to a message after it was written, and what it then is. Applied again, or to a
// message that has it already, a change changes nothing.

const KINDS = {
  "message.edited": edited,
  "message.deleted": deleted,
  "message.hidden": hidden,
  "message.created": answered,
  "reaction.added": reacted,
  "reaction.removed": unreacted,
};

/** The `seq` of the message that an event changes; 0: it changes none. A reply in a thread changes
 *  the root. */
export function changes(event) {
  if (event.kind === "message.created") return event.thread ?? 0;
  return event.kind in KINDS ? event.seq : 0;
}

/** Whether an event takes a message away. */
export const isGone = ({ kind }) => kind === "message.deleted" || kind === "message.hidden";

/** The message after the event. */
export function changed(message, event) {
  return message.deleted && event.kind !== "message.created"
    ? message
    : KINDS[event.kind](message, event);
}

function edited(message, { text, at_ms, mentions = [], everyone = false }) {
  return { ...message, text, mentions, everyone, edited_ms: at_ms };
}

function deleted(message) {
  const { attachments, meta, reactions, mentions, everyone, ...rest } = message;
  return { ...rest, text: "", deleted: true };
}

function hidden(message) {
  return { ...deleted(message), hidden: true };
}

// History has counted the replies up to its last one.
function answered(message, { at_ms }) {
  if (at_ms <= (message.last_reply_ms ?? 0)) return message;
  return { ...message, replies: (message.replies ?? 0) + 1, last_reply_ms: at_ms };
}

// `by` is whole, or the first few and oneself.
function reacted(message, { emoji, by }) {
  const before = message.reactions?.[emoji] ?? { count: 0, by: [] };
  if (before.by.includes(by)) return message;
  const after = { count: before.count + 1, by: [...before.by, by] };
  return { ...message, reactions: { ...message.reactions, [emoji]: after } };
}

function unreacted(message, { emoji, by }) {
  const { [emoji]: before, ...others } = message.reactions ?? {};
  if (!before) return message;
  const named = before.by.filter((user) => user !== by);
  if (named.length === before.by.length && before.count === named.length) return message;
  if (before.count === 1) return { ...message, reactions: others };
  const after = { count: before.count - 1, by: named };
  return { ...message, reactions: { ...message.reactions, [emoji]: after } };
}
