// The page, out of its address's fragment: `#room=lobby&token=…`.

import { Conversation } from "./rooms/room-view.js";
import { List } from "./rooms/room-list.js";
import { Opening } from "./rooms/new-room-dialog.js";
import { Parley, backoff, mayPass } from "./parley.js";
import { Presence, dotOf } from "./rooms/presence.js";
import { Rooms } from "./rooms/room-store.js";
import { toldOf } from "./moderation/sanctions.js";
import { Search } from "./messages/message-search.js";
import { attempt, element, nameOf } from "./lib/dom.js";

const given = () => new URLSearchParams(location.hash.slice(1));
const named = () => given().get("room") ?? "";
const token = given().get("token") ?? "";
const hrefOf = (room) => `#${new URLSearchParams({ ...(room && { room }), token })}`;
const parley = new Parley(token);

let rooms = null;
let list = null;
let conversation = null;
let presence = null;
let search = null;
let comparing = 0;
const MANY = 10; // rooms that are asked about one by one
const SETTLED_MS = 1000; // until what a stream has to make up for has come

const asked = new Map(); // rooms that are being asked about, with the `n` that the stream has

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
  document.body.dataset.screen = "room";
  element("notice").hidden = false;
  element("notice").querySelector("h2").textContent = title;
  element("notice").querySelector("p").textContent = text;
}

// A snapshot, then the stream from its cursor: nothing lies between them.
async function start(failures = 0) {
  try {
    const snapshot = await parley.sync();
    begin(snapshot);
    parley.stream({ hello, event: take, reset, state: showState }, snapshot.cursor);
  } catch (error) {
    if (!mayPass(error)) return showState("refused", error.message);
    showState("waiting", error.message);
    setTimeout(() => start(failures + 1), backoff(failures));
  }
}

function begin(snapshot) {
  const me = snapshot.user;
  rooms = new Rooms(me);
  snapshot.rooms.forEach((room) => rooms.take(room));
  list = new List(rooms, hrefOf);
  presence = new Presence(parley);
  conversation = new Conversation(parley, rooms, presence);
  element("me").replaceChildren(nameOf(me), dotOf(me));
  element("me").addEventListener("click", () => attempt(presence.turn(me)));
  list.showAll();
  const opening = new Opening(parley, me, (room) => (location.hash = hrefOf(room)));
  element("new").addEventListener("click", () => opening.show());
  search = new Search(parley, {
    room: () => conversation.room,
    titleOf: (room) => rooms.get(room) ? rooms.nameOf(rooms.get(room)) : room,
    chosen: (room, seq) => find(room, seq),
  });
  for (const part of ["side", "new"]) element(part).hidden = false;
  route();
}

// The room that the address names, or the list.
async function route() {
  if (!rooms) return;
  const room = named();
  document.body.dataset.screen = room ? "room" : "list";
  element("notice").hidden = true;
  list.mark(room);
  conversation.close();
  if (room) await open(room);
  else notice("Parley", rooms.newestFirst.length ? "Choose a room." : "You are in no room yet.");
  if (!room) document.body.dataset.screen = "list";
  showUnread();
  presence.soon();
}

async function open(room) {
  try {
    if (!rooms.get(room)) {
      rooms.take(await parley.room(room));
      list.show(room);
      list.mark(room);
    }
    if (named() === room && conversation.room !== room) await conversation.open(room);
  } catch (error) {
    if (named() !== room) return;
    conversation.close();
    notice("This room can't be shown", error.message);
    element("join").hidden = error.code !== "not_a_member";
  }
}

async function find(room, seq) {
  if (conversation.room !== room) {
    history.pushState(null, "", hrefOf(room));
    await route();
  }
  document.body.dataset.screen = "room";
  await attempt(conversation.goTo(seq));
}

async function join() {
  const room = named();
  if (await attempt(parley.addMember(room, rooms.me))) route();
}

// Each time it is live. While it was not, another device may have read, and nobody says so later.
function hello({ rooms: joined }) {
  const known = new Set(rooms.newestFirst.map(({ room }) => room));
  for (const room of known) if (!joined.includes(room)) leave(room);
  askAll(joined.filter((room) => !known.has(room)));
  conversation.refresh();
  clearTimeout(comparing);
  comparing = setTimeout(compare, SETTLED_MS);
}

async function compare() {
  const unread = await parley.unread().catch(() => null);
  if (unread) askAll(rooms.unlike(unread).map(({ room }) => room));
}

function take(event) {
  if (event.kind === "typing" || event.kind === "receipts") return conversation.take(event);
  if (event.kind === "unread") rooms.left(event);
  else if (!rooms.get(event.room)) ask(event.room, event.n);
  else if (event.kind === "review") return conversation.take(event);
  else if (event.kind === "member.removed" && event.user === rooms.me) return leave(event.room);
  else if (event.sanction === "ban" && event.user === rooms.me) return leave(event.room, event);
  else if (rooms.apply(event) === "doubtful") ask(event.room);
  conversation.take(event);
  search.take(event);
  show(event.room);
}

function show(room) {
  list.show(room);
  showUnread();
  presence.soon();
}

function showUnread() {
  const title = conversation.title || "Parley";
  document.title = rooms.unread ? `(${rooms.unread}) ${title}` : title;
}

function leave(room, ban = null) {
  const isOpen = conversation.room === room;
  if (isOpen) conversation.close();
  rooms.drop(room);
  show(room);
  if (!isOpen) return;
  const why = ban ? toldOf(ban, rooms.me) : "Somebody removed you, or you left it.";
  notice("You are no longer in this room", why);
}

// What a room is now, from the server; once more where the stream was faster.
async function ask(room, n = 0, failures = 0) {
  const known = asked.get(room);
  asked.set(room, Math.max(n, known ?? 0));
  if (known !== undefined && !failures) return;
  const shown = await parley.room(room).catch((error) => error);
  const again = shown instanceof Error ? mayPass(shown) : shown.n < asked.get(room);
  if (again || (!(shown instanceof Error) && !rooms.take(shown))) {
    setTimeout(() => ask(room, 0, failures + 1), backoff(failures));
    return;
  }
  asked.delete(room);
  show(room);
  conversation.changed(room);
  // Opened a moment ago, or joined again.
  if (named() === room && conversation.room !== room && rooms.get(room)) route();
}

async function askAll(some) {
  if (some.length <= MANY) return some.forEach((room) => ask(room));
  const snapshot = await parley.sync().catch(() => ({ rooms: [] }));
  const behind = snapshot.rooms.filter((room) => !rooms.take(room));
  behind.forEach(({ room }) => ask(room));
  list.showAll();
  showUnread();
  presence.soon();
}

// These rooms could not be resumed: all that is known of them may be old.
function reset(lost) {
  askAll(lost);
  if (lost.includes(conversation.room)) conversation.reset();
}

addEventListener("hashchange", () => (given().get("token") === token ? route() : location.reload()));
element("back").addEventListener("click", () => (location.hash = hrefOf("")));
element("join").addEventListener("click", join);
if (token) start();
else {
  element("state").hidden = true;
  notice("This page needs a link", "Open one of the links that “parley up” prints.");
}
