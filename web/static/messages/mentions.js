// What somebody wrote, with the names in it that are mentions.

import { make } from "../lib/dom.js";

// As the server finds them.
const TOKEN = /(?<![\p{L}\p{N}_@])@(\S{1,80})/gu;
const TRAILING = ".,:;!?)]}>'\"…。，！？、";

export function textNode(message, me) {
  const node = make("p", "text");
  node.dir = "auto";
  if (message.deleted) {
    node.classList.add("gone");
    node.textContent = message.hidden ? "A moderator took this away." : "This message was deleted.";
    return node;
  }
  const { text, mentions = [], everyone = false } = message;
  const names = new Set(everyone ? [...mentions, "room"] : mentions);
  let end = 0;
  for (const { 1: token, index } of names.size ? text.matchAll(TOKEN) : []) {
    const name = namedBy(token, names);
    if (!name) continue;
    const mine = name === me || name === "room";
    node.append(text.slice(end, index), make("mark", mine ? "mention me" : "mention", `@${name}`));
    end = index + 1 + name.length;
  }
  node.append(text.slice(end));
  return node;
}

// The token, or what is left of it without more and more of what ends it.
function namedBy(token, names) {
  for (let name = token; name; name = name.slice(0, -1)) {
    if (names.has(name)) return name;
    if (!TRAILING.includes(name.at(-1))) return "";
  }
  return "";
}

/** Part of a text, with what was searched for marked. */
export function foundNode(text, query) {
  const place = text.toLowerCase().indexOf(query.toLowerCase());
  const node = make("span", "found");
  node.dir = "auto";
  if (place < 0 || !query) {
    node.textContent = text.slice(0, 160);
    return node;
  }
  const from = Math.max(0, place - 40);
  const end = place + query.length;
  node.append(from ? "…" : "", text.slice(from, place), make("mark", "", text.slice(place, end)));
  node.append(text.slice(end, end + 120));
  return node;
}
