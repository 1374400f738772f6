// What a screen reader says of new messages: each once, many at once as their number.

import { byId, make } from "./dom.js";

const TOGETHER_MS = 500;
const MAX_SPOKEN = 3;

let waiting = [];
let timer = 0;

/** Has a text read aloud when the reader pauses. `several(count)` is said in place of many. */
export function announce(text, several) {
  waiting.push(text);
  timer ||= setTimeout(() => speak(several), TOGETHER_MS);
}

/** Takes back what has been announced, and what is still to be: a text of it was removed, or its
 *  room is closed. */
export function unsay() {
  waiting = [];
  byId("announcer").replaceChildren();
}

function speak(several) {
  const spoken = waiting.length > MAX_SPOKEN ? [several(waiting.length)] : waiting;
  byId("announcer").replaceChildren(...spoken.map((text) => make("p", "", text)));
  waiting = [];
  timer = 0;
}
