// Where a text mentions users: the server's pattern (app/domain/mentions.py), for marking them.

// The server's `\S` and JavaScript's differ in six characters; this is the server's.
const TOKEN = /(?<![\p{L}\p{N}_@])@((?:[^\s\x1c-\x1f\x85]|\ufeff){1,80})/gu;
const TRAILING = ".,:;!?)]}>'\"…。，！？、";

/** Each `@` that may begin a mention: its index, and the names it may mean, the longest first. A
 *  name may be followed by punctuation, so each next candidate has one trailing mark less.
 *
 *  The server also skips code between backticks. The page marks a name there too, if the same
 *  message mentions it elsewhere. */
export function* possibleMentions(text) {
  for (const { 1: token, index } of text.matchAll(TOKEN)) {
    yield { index, names: withoutTrailing(token) };
  }
}

function withoutTrailing(token) {
  const names = [];
  for (let name = token; name; name = name.slice(0, -1)) {
    names.push(name);
    if (!TRAILING.includes(name.at(-1))) break;
  }
  return names;
}
