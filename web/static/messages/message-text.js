// A message's text as nodes: its formatting, its addresses as links, its mentions marked. Text
// enters the page as text nodes, never as HTML.

import { make } from "../lib/dom.js";
import { parse } from "./formatting.js";
import { mentions } from "./mentions.js";

const TAGS = { bold: "strong", italic: "em", quote: "blockquote", item: "li", list: "ul" };

/** The nodes of a message's text, for the reader `me`. */
export function textNodes({ text, mentions: users = [], everyone = false }, me) {
  const found = users.length || everyone ? [...mentions(text, users)] : [];
  const marks = found.filter(({ user }) => user || everyone);
  const isName = (at) => marks.some(({ start, end }) => start <= at && at < end);
  return parse(text, isName).flatMap((part) => nodesOf(part, text, marks, me));
}

function nodesOf(part, text, marks, me) {
  const inner = () => part.parts.flatMap((one) => nodesOf(one, text, marks, me));
  switch (part.type) {
    case "text":
      return markedNodes(part, text, marks, me);
    case "lines":
      return inner();
    case "code":
      return [make("code", "", part.text)];
    case "pre":
      return [focusable(make("pre", "", make("code", "", part.text)))];
    case "link":
      return [linkNode(part.text)];
    case "numbered":
      return [Object.assign(make("ol", "", ...inner()), { start: part.first })];
    case "quote":
    case "item":
      return [Object.assign(make(TAGS[part.type], "", ...inner()), { dir: "auto" })];
    default:
      return [make(TAGS[part.type], "", ...inner())];
  }
}

// A long line of code is scrolled to, also by keyboard.
const focusable = (node) => Object.assign(node, { tabIndex: 0, dir: "ltr" });

function linkNode(address) {
  const link = make("a", "", address);
  // The title has the real host, where letters of other scripts imitate one.
  const { href } = new URL(address);
  return Object.assign(link, { href, title: href, target: "_blank", rel: "noopener noreferrer" });
}

// A part without formatting, in which mentions are marked.
function markedNodes({ text: part, at }, text, marks, me) {
  const nodes = [];
  let end = at;
  const last = at + part.length;
  for (const mention of marks) {
    if (mention.start < end || mention.end > last) continue;
    const isMe = mention.user === me || !mention.user;
    const written = text.slice(mention.start, mention.end);
    const mark = make("mark", isMe ? "mention mention-me" : "mention", written);
    if (mention.user) mark.title = mention.user;
    nodes.push(text.slice(end, mention.start), mark);
    end = mention.end;
  }
  nodes.push(text.slice(end, last));
  return nodes.filter(Boolean);
}
