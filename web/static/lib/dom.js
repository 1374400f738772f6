// Building blocks of the page: elements, names, avatars, times, form fields. Text that people wrote
// enters the page as text nodes, never as HTML.

import { cut, isolated } from "./text.js";

const COLORS = 8;
const DAY_MS = 24 * 60 * 60_000;
const JOINED_NAMES = 20;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
});
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "short" });
const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export const byId = (id) => document.getElementById(id);
export const formatDay = (at_ms) => day.format(at_ms);
export const formatDateTime = (at_ms) => dateTime.format(at_ms);

export function make(tag, className, ...content) {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...content);
  return node;
}

/** A button. `action` is its click handler, or a name that becomes `data-action`, for a listener
 *  further up in the page. */
export function button(className, label, action) {
  const node = make("button", className, label);
  node.type = "button";
  if (typeof action === "string") node.dataset.action = action;
  else node.addEventListener("click", action);
  return node;
}

/** A one-line text input without suggestions. */
export function textInput(name, more = {}) {
  return Object.assign(make("input", ""), { name, autocomplete: "off", dir: "auto", ...more });
}

/** A control with its label. */
export function labeledField(label, control) {
  return make("label", "field", make("span", "", label), control);
}

/** A user's or a room's colour class: the same name always has the same colour. */
function colorClass(name) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  return `hue${sum % COLORS}`;
}

/** A user's name, isolated so that its writing direction does not affect the text beside it. An
 *  erased user has no name. */
export function nameNode(user) {
  return make("bdi", `name ${colorClass(user)}`, user || "somebody");
}

/** A warning beside a name that looks like another member's. */
export function lookAlikeNode(other) {
  const node = make("span", "look-alike", "⚠ not ", make("bdi", "", other));
  node.title = `This name looks like ${other}, and is somebody else.`;
  return node;
}

/** A circle with the first letter of a user's or a room's name. */
export function avatarNode(name) {
  const node = make("span", `avatar ${colorClass(name)}`, cut(name, 1).toUpperCase());
  node.setAttribute("aria-hidden", "true");
  return node;
}

/** A time of day. With `short`, a time that was not today shows its weekday or date instead. */
export function timeNode(at_ms, { short = false } = {}) {
  const today = formatDay(at_ms) === formatDay(Date.now());
  const recent = Date.now() - at_ms < 6 * DAY_MS;
  const text = !short || today ? clock.format(at_ms) : (recent ? weekday : date).format(at_ms);
  const node = make("time", "", text);
  node.dateTime = new Date(at_ms).toISOString();
  node.title = formatDateTime(at_ms);
  return node;
}

/** Names in one line; those past `most` are only counted. */
export function joinNames(users, most = JOINED_NAMES) {
  const more = users.length > most ? ` and ${users.length - most} more` : "";
  return users.slice(0, most).map(isolated).join(", ") + more;
}
