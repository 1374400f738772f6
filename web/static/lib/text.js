// Texts cut where a reader sees the end of a character: an emoji of several parts and a letter with
// its marks stay whole.

const MOST_UNITS = 20; // of one character: what is longer is cut inside

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The first `most` characters of a text. */
export function cut(text, most) {
  if (text.length <= most) return text;
  let length = 0;
  let count = 0;
  for (const { segment } of segmenter.segment(text.slice(0, most * MOST_UNITS))) {
    if (count === most) break;
    count += 1;
    length += segment.length;
  }
  return text.slice(0, length);
}

/** The last `most` characters of a text. */
export function cutStart(text, most) {
  if (text.length <= most) return text;
  const all = [...segmenter.segment(text.slice(-most * MOST_UNITS))];
  return all.slice(all.length - Math.min(most, all.length)).map(({ segment }) => segment).join("");
}

const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A name within a sentence: one that is written from right to left leaves the order of the others
 *  alone. */
export const isolated = (name) => (RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name);
