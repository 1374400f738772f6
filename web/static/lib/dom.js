// Small parts of the page. Whatever people wrote goes in as text, never as HTML.

const HUES = 8;
const DAY_MS = 24 * 60 * 60_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export const element = (id) => document.getElementById(id);
export const dayOf = (at_ms) => day.format(at_ms);
export const exactly = (at_ms) => exact.format(at_ms);

export function make(tag, className, ...content) {
  const node = document.createElement(tag);
  node.className = className;
  node.append(...content);
  return node;
}

/** A button that does `act`, or, without it, one that its surroundings listen to by `data-act`. */
export function button(className, label, act) {
  const node = make("button", className, label);
  node.type = "button";
  if (typeof act === "string") node.dataset.act = act;
  else node.addEventListener("click", act);
  return node;
}

/** The same colour for the same person, everywhere. */
export function hue(user) {
  let sum = 0;
  for (const character of user) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  return `hue${sum % HUES}`;
}

/** A person's name, which can't turn round the text beside it; who was forgotten has none. */
export function nameOf(user) {
  return make("bdi", `name ${hue(user)}`, user || "somebody");
}

/** A circle with somebody's or some room's first letter. */
export function faceOf(name) {
  const [first = ""] = name;
  const node = make("span", `face ${hue(name)}`, first.toUpperCase());
  node.setAttribute("aria-hidden", "true");
  return node;
}

/** The time of something; `short`: the day where it was not today. */
export function timeNode(at_ms, { short = false } = {}) {
  const today = dayOf(at_ms) === dayOf(Date.now());
  const recent = Date.now() - at_ms < 6 * DAY_MS;
  const text = !short || today ? clock.format(at_ms) : (recent ? weekday : date).format(at_ms);
  const node = make("time", "", text);
  node.dateTime = new Date(at_ms).toISOString();
  node.title = exactly(at_ms);
  return node;
}

/** A label and what it is for. */
export function field(label, control) {
  return make("label", "field", make("span", "", label), control);
}

/** Several names in a line, the first few of them. */
export function namesOf(users, most = 20) {
  const more = users.length > most ? ` and ${users.length - most} more` : "";
  return users.slice(0, most).join(", ") + more;
}

let hiding = 0;

/** Say something for some seconds. */
export function tell(text) {
  const toast = element("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (toast.hidden = true), 6000);
}

/** Do it, and say where it fails. Whether it worked. */
export async function attempt(promise) {
  try {
    await promise;
    return true;
  } catch (error) {
    tell(error.message);
    return false;
  }
}
