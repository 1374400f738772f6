// Where a text mentions users: the same function as app/domain/mentions.py. The server says whom a
// message mentions; this finds the places. tests/domain/mentions.json holds both to each other.

export const EVERYONE = ["room", "everyone"];

const MOST_SIGNS = 100;
const LONGEST = 64; // characters

const SILENT = /```.*?```|`[^`\n]*`|https?:\/\/[!-~]*/gs;
const RUN_ON_RANGES =
  "\\u0e00-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u2e80-\\u31ff\\u3400-\\u4dbf\\u4e00-\\u9fff" +
  "\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\uff66-\\uffdc\\u{20000}-\\u{3ffff}";
const RUN_ON = new RegExp(`^[${RUN_ON_RANGES}]$`, "u");
const WORD = /^[\p{L}\p{N}]$/u;
const MARK = /^\p{M}$/u;
const SIGN = /^[@\uff20\ufe6b]$/;
// Python's white space, which differs from JavaScript's in six characters.
const SPACE = /^(?:(?!\ufeff)\s|[\x1c-\x1f\x85])$/;
const DOMAIN = /^[A-Za-z0-9]$/;

/** The name without what a mention may differ in: upper and lower case, width, composition. Made of
 *  its characters one by one, so that the beginning of a name is the beginning of this. */
export const same = (name) => [...name].map(sameOfOne).join("");

function sameOfOne(character) {
  if (character === "\u0130") return "i";
  const upper = [...character.normalize("NFKD")].map((one) => one.toUpperCase()).join("");
  return [...upper].map((one) => one.toLowerCase()).join("");
}

/** Each mention of one of `users`, or of everyone, in a text: `start`, `end`, `user`, which is
 *  empty where it is of everyone. */
export function* mentions(text, users) {
  const names = new Set(users);
  const sames = new Map();
  for (const name of names) sames.set(same(name), [...(sames.get(same(name)) ?? []), name]);
  const find = (written) => {
    if (names.has(written)) return written;
    const folded = same(written);
    const found = sames.get(folded) ?? [];
    if (found.length === 1) return found[0];
    return EVERYONE.includes(folded) ? "" : undefined;
  };

  const silenced = text.replace(SILENT, (found) => " ".repeat([...found].length));
  const characters = [...silenced];
  let end = 0;
  let signs = 0;
  const found = [];
  for (let start = 0; start < characters.length; start += 1) {
    if (!SIGN.test(characters[start]) || start < end) continue;
    if (!opens(characters, start) && !(end && start === end)) continue;
    if ((signs += 1) > MOST_SIGNS) break;
    const mention = longest(characters, start, find);
    if (!mention) continue;
    end = mention.end;
    found.push(mention);
  }
  // From characters to UTF-16 units, as strings are counted here.
  const offsets = [0];
  for (const one of text) offsets.push(offsets.at(-1) + one.length);
  for (const { start, end: last, user } of found) {
    yield { start: offsets[start], end: offsets[last], user };
  }
}

function opens(characters, sign) {
  let place = sign - 1;
  if (place < 0) return true;
  if (SIGN.test(characters[place])) return false;
  while (place >= 0 && characters[place] === "_") place -= 1;
  return place < 0 || !(isLetter(characters[place]) || isMark(characters[place]));
}

function longest(characters, sign, find) {
  let last = sign + 1;
  while (last < characters.length && last - sign <= LONGEST && !breaks(characters[last])) last += 1;
  for (let end = last; end > sign + 1; end -= 1) {
    if (!ends(characters, end)) continue;
    const user = find(characters.slice(sign + 1, end).join(""));
    if (user === undefined) continue;
    return isAddress(characters, sign, end) ? undefined : { start: sign, end, user };
  }
  return undefined;
}

function breaks(character) {
  return character === "/" || SPACE.test(character);
}

function ends(characters, end) {
  let place = end;
  if (place < characters.length && isMark(characters[place])) return false;
  const before = characters[place - 1];
  if (!(isLetter(before) || before === "_" || isMark(before))) return true;
  while (characters[place] === "_") place += 1;
  return place >= characters.length || !isLetter(characters[place]);
}

function isAddress(characters, sign, end) {
  return (
    sign > 0 &&
    RUN_ON.test(characters[sign - 1]) &&
    characters[end] === "." &&
    DOMAIN.test(characters[end + 1] ?? "")
  );
}

function isLetter(character) {
  return WORD.test(character) && !RUN_ON.test(character);
}

function isMark(character) {
  return !/^[\ufe00-\ufe0f]$/.test(character) && MARK.test(character);
}
