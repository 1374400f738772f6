// The formatting in a text: **bold**, _italic_, `code`, blocks of code, lists, quotes and addresses
// of web pages. The text itself stays as it was written; this finds the parts.
//
// A part has a `type` and either `text`, with its place `at` in the whole, or `parts`.

const CODE = /```(?:[\w+#-]*\n)?([^]*?)```/g;
const ITEM = /^(?:[-*]|(\d{1,9})[.)]) +(?=\S)/;
const QUOTE = /^> ?/;
// What may begin inside a line. An address ends where a mention would not be looked for any more.
const INLINE = /`([^`\n]+)`|https?:\/\/[!-;=?-_a-~]+|\*\*(?=\S)|_(?=\S)/g;
const WORD = /[\p{L}\p{N}_]/u;
const OPENING = { ")": "(", "]": "[", "}": "{" };
const MAX_DEPTH = 4;

/** The parts of a text. `isName(at)` tells whether a character belongs to a mention, in which no
 *  sign is formatting. */
export function parse(text, isName = () => false) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(CODE)) {
    const [whole, code] = found;
    const at = found.index + whole.length - 3 - code.length;
    if (!code.trim()) continue;
    const isBlock = whole.includes("\n");
    // A line's end beside a block is the block's own.
    const before = text.slice(end, found.index).replace(isBlock ? /\n$/ : "", "");
    parts.push(...blocks(before, end, isName));
    if (isBlock) parts.push({ type: "pre", text: code.replace(/\n$/, ""), at });
    else parts.push({ type: "code", text: code, at });
    end = found.index + whole.length;
    if (isBlock && text[end] === "\n") end += 1;
  }
  return [...parts, ...blocks(text.slice(end), end, isName)];
}

// Lists, quotes, and lines between them.
function blocks(text, at, isName) {
  const found = [];
  let place = at;
  for (const line of text ? text.split("\n") : []) {
    const item = ITEM.exec(line);
    const quote = QUOTE.exec(line);
    const last = found.at(-1);
    const sign = (item ?? quote)?.[0].length ?? 0;
    const parts = inline(line.slice(sign), place + sign, isName);
    if (item) {
      const type = item[1] ? "numbered" : "list";
      const isNext = last?.type === type;
      if (!isNext) found.push({ type, first: Number(item[1] ?? 0), parts: [] });
      found.at(-1).parts.push({ type: "item", parts });
    } else {
      const type = quote ? "quote" : "lines";
      const end = { type: "text", text: "\n", at: place - 1 };
      if (last?.type === type) last.parts.push(end, ...parts);
      else found.push({ type, parts });
    }
    place += line.length + 1;
  }
  return found;
}

function inline(text, at, isName, depth = 0) {
  const parts = [];
  const unclosed = new Set();
  let end = 0;
  const add = (type, start, until, inner, innerAt) => {
    if (start > end) parts.push({ type: "text", text: text.slice(end, start), at: at + end });
    if (type === "bold" || type === "italic") {
      parts.push({ type, parts: inline(inner, innerAt, isName, depth + 1) });
    } else parts.push({ type, text: inner, at: innerAt });
    end = until;
  };
  for (const found of text.matchAll(INLINE)) {
    const [whole, code] = found;
    const start = found.index;
    if (start < end || isName(at + start)) continue;
    if (code) add("code", start, start + whole.length, code, at + start + 1);
    else if (whole.startsWith("http")) {
      const address = trimmed(whole);
      if (isAddress(address)) add("link", start, start + address.length, address, at + start);
    } else if (depth < MAX_DEPTH && !unclosed.has(whole) && mayOpen(text, start, whole)) {
      const close = closing(text, start, whole, at, isName);
      if (close < 0) unclosed.add(whole); // nor is any that follows
      if (close < 0) continue;
      const from = start + whole.length;
      const type = whole === "_" ? "italic" : "bold";
      add(type, start, close + whole.length, text.slice(from, close), at + from);
    }
  }
  if (end < text.length) parts.push({ type: "text", text: text.slice(end), at: at + end });
  return parts;
}

const isWord = (text, index) => WORD.test(text[index] ?? "");

// `snake_case` is not italic.
const mayOpen = (text, start, sign) => sign === "**" || !isWord(text, start - 1);

// Where the sign that begins at `start` is closed; -1 if it is not.
function closing(text, start, sign, at, isName) {
  for (let close = text.indexOf(sign, start + sign.length + 1); close >= 0; ) {
    const endsWord = sign === "**" || !isWord(text, close + 1);
    if (endsWord && /\S/.test(text[close - 1]) && !isName(at + close)) return close;
    close = text.indexOf(sign, close + 1);
  }
  return -1;
}

// An address without the signs of the sentence around it.
function trimmed(address) {
  const counts = new Map();
  for (const one of address) counts.set(one, (counts.get(one) ?? 0) + 1);
  let end = address.length;
  for (; end > 0; end -= 1) {
    const last = address[end - 1];
    const isPair = (counts.get(OPENING[last]) ?? 0) >= counts.get(last);
    if (!/[.,;:!?'")\]}*_~]/.test(last) || isPair) break;
    counts.set(last, counts.get(last) - 1);
  }
  return address.slice(0, end);
}

function isAddress(address) {
  try {
    return Boolean(new URL(address).hostname);
  } catch {
    return false;
  }
}
