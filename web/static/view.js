// How messages look. Whatever people wrote goes in as text, never as HTML.

const GROUP_MS = 5 * 60_000;
const HUES = 8;

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

export const element = (id) => document.getElementById(id);

export function make(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

/** The same colour for the same person, everywhere. */
export function hue(user) {
  let sum = 0;
  for (const character of user) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  return `hue${sum % HUES}`;
}

/** A person's name, which can't turn round the text beside it. */
export function nameOf(user) {
  return make("bdi", `name ${hue(user)}`, user);
}

/** A message's list item; `arrange` says how it stands to the one before. */
export function messageNode(message, own) {
  const item = make("li", own ? "message own" : "message");
  if (message.seq) item.dataset.seq = message.seq;
  const bubble = make("div", "bubble");
  const text = make("p", "text", message.text);
  text.dir = "auto";
  bubble.append(nameOf(message.by), text, timeNode(message.at_ms));
  item.append(bubble);
  return item;
}

/** Where a new day begins, the day; where one person goes on, no name again. */
export function arrange(node, message, previous) {
  const date = day.format(message.at_ms);
  const sameDay = previous && day.format(previous.at_ms) === date;
  const close = sameDay && message.at_ms - previous.at_ms < GROUP_MS;
  node.classList.toggle("follows", Boolean(close && previous.by === message.by));
  node.querySelector(":scope > .day")?.remove();
  if (!sameDay) node.prepend(make("p", "day", date));
}

/** What `outbox` holds of one message: its text and what is becoming of it. */
export function outboxNode(item, me, actions) {
  const node = messageNode({ by: me, ...item }, true);
  node.classList.add("pending", item.state);
  const told = { sending: "Sending …", waiting: "No connection. Trying again …", sent: "Sent" };
  const status = make("p", "status", told[item.state] ?? `Not sent: ${item.why}`);
  if (item.state === "refused") {
    for (const [label, act] of Object.entries(actions)) {
      const button = make("button", "", label);
      button.type = "button";
      button.addEventListener("click", act);
      status.append(" ", button);
    }
  }
  node.append(status);
  return node;
}

function timeNode(at_ms) {
  const node = make("time", "", clock.format(at_ms));
  node.dateTime = new Date(at_ms).toISOString();
  node.title = exact.format(at_ms);
  return node;
}
