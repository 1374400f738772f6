// The page: a room out of the address's fragment, `#room=lobby&token=…`.

import { Outbox } from "./outbox.js";
import { Parley, mayPass, backoff } from "./parley.js";
import { Room } from "./room.js";
import { element, make, nameOf, outboxNode } from "./view.js";

const given = new URLSearchParams(location.hash.slice(1));
const roomId = given.get("room") ?? "";
const token = given.get("token") ?? "";
const parley = new Parley(token);

let room = null;
let outbox = null;
const members = new Map();
const outboxNodes = new Map();

const STATES = {
  connecting: "Connecting …",
  live: "Live",
  waiting: "Reconnecting …",
  refused: "Not connected",
};

function showState(state, why) {
  const node = element("state");
  node.dataset.state = state;
  node.textContent = STATES[state];
  node.title = why;
  if (state === "refused") notice("You are not connected", why);
}

function notice(title, text) {
  element("notice").hidden = false;
  element("notice").querySelector("h2").textContent = title;
  element("notice").querySelector("p").textContent = text;
}

function begin({ user }) {
  if (room) return;
  room = new Room(parley, roomId, user, (message) => {
    if (message.by === user) outbox.settle(message.client_id);
  });
  const key = `outbox ${roomId} ${user}`;
  const send = (text, clientId) => parley.send(roomId, text, clientId);
  outbox = new Outbox(key, send, (item) => showOutbox(item, user));
  outbox.restore();
  addEventListener("online", outbox.retry);
}

// Until it works or is refused: the stream goes on meanwhile, and nothing is shown twice.
async function load(failures = 0) {
  try {
    const described = await parley.room(roomId);
    showRoom(described);
    await room.load(described.seq);
  } catch (error) {
    if (mayPass(error)) setTimeout(() => load(failures + 1), backoff(failures));
    else notice("This room can't be shown", error.message);
  }
}

function showRoom(described) {
  element("room").textContent = document.title = described.name || described.room;
  members.clear();
  for (const { user, role } of described.members) members.set(user, role);
  showMembers();
  for (const id of ["scroll", "write", "people"]) element(id).hidden = false;
  element("notice").hidden = true;
  room.toEnd();
}

function showMembers() {
  element("count").textContent = members.size === 1 ? "1 member" : `${members.size} members`;
  const items = [...members].sort().map(([user, role]) => {
    const item = make("li", "");
    item.append(nameOf(user));
    if (role !== "member") item.append(make("span", "role", role));
    return item;
  });
  element("members").replaceChildren(...items);
}

function showOutbox(item, me) {
  const before = outboxNodes.get(item.clientId);
  if (item.state === "done") {
    outboxNodes.delete(item.clientId);
    before?.remove();
    return;
  }
  const node = outboxNode(item, me, {
    Edit: () => edit(item),
    Discard: () => outbox.settle(item.clientId),
  });
  outboxNodes.set(item.clientId, node);
  if (before) before.replaceWith(node);
  else element("outbox").append(node);
  if (item.seq) room.expect(item.seq);
  if (!before) room.toEnd();
}

function edit(item) {
  const text = element("text");
  text.value = text.value ? `${item.text}\n${text.value}` : item.text;
  outbox.settle(item.clientId);
  text.dispatchEvent(new Event("input"));
  text.focus();
}

function take(event) {
  if (event.room !== roomId) return;
  if (event.kind === "message.created") room.take(event);
  if (event.kind === "member.added") {
    if (event.user === room.me) return load();
    members.set(event.user, event.role);
    showMembers();
  }
}

function listenToForm() {
  const form = element("write");
  const text = element("text");
  const button = form.querySelector("button");
  text.addEventListener("input", () => {
    button.disabled = !text.value.trim();
    text.rows = Math.min(6, text.value.split("\n").length);
  });
  text.addEventListener("keydown", (event) => {
    // On a phone Enter is the only way to a new line; while composing it picks a word.
    const sends = event.key === "Enter" && !event.shiftKey && !event.isComposing;
    if (!sends || matchMedia("(pointer: coarse)").matches) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!text.value.trim()) return;
    outbox.add(text.value);
    text.value = "";
    text.dispatchEvent(new Event("input"));
    text.focus();
  });
}

async function chooseRoom() {
  notice("Your rooms", "");
  element("state").hidden = true;
  try {
    const { rooms } = await parley.rooms();
    const items = rooms.map(({ room, name }) => {
      const link = make("a", "", name || room);
      link.href = `#${new URLSearchParams({ room, token })}`;
      const item = make("li", "");
      item.append(link);
      return item;
    });
    element("rooms").replaceChildren(...items);
    if (!items.length) notice("Your rooms", "You are in no room yet.");
  } catch (error) {
    notice("Your rooms can't be shown", error.message);
  }
}

addEventListener("hashchange", () => location.reload());
listenToForm();
if (!token) {
  element("state").hidden = true;
  notice("This page needs a link", "Open one of the links that “parley up” prints.");
} else if (!roomId) {
  chooseRoom();
} else {
  parley.stream({ hello: begin, event: take, reset: () => load(), state: showState });
}
