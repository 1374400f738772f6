// The chat page: takes the token from the address's fragment (`#room=lobby&token=…`), follows the
// stream, and shows the rooms. From then on the address names the room alone.

import { byId, formatDay, nameNode } from "./lib/dom.js";
import { tabStorage } from "./lib/storage.js";
import { attempt, isFault, showToast } from "./lib/toast.js";
import { MessageSearch } from "./messages/message-search.js";
import { describeSanction } from "./moderation/sanctions.js";
import { Parley, backoff, mayPass } from "./parley.js";
import { badgeOf } from "./push/levels.js";
import { PushOffer } from "./push/offer.js";
import { Push } from "./push/push.js";
import { NewRoomDialog } from "./rooms/new-room-dialog.js";
import { Notifications } from "./rooms/notifications.js";
import { Presence, presenceDot } from "./rooms/presence.js";
import { RoomList } from "./rooms/room-list.js";
import { RoomStore } from "./rooms/room-store.js";
import { RoomView } from "./rooms/room-view.js";
import { SharedStream } from "./shared-stream.js";

const MAX_SINGLE_REFRESHES = 10; // more rooms are refreshed by one snapshot
const CLOCK_MS = 20_000;
const COMPARE_AFTER_MS = 1000; // by then, the stream has delivered what it missed

// The tab keeps the token for reloads, and forgets it when it is closed.
const TOKEN_KEY = "parley-token";

const FAULT = "Something went wrong in this page. Please reload it.";

const CONNECTION_STATUS = {
  connecting: "Connecting …",
  live: "Live",
  waiting: "Reconnecting …",
  refused: "Not connected",
};

const fragment = () => new URLSearchParams(location.hash.slice(1));
const roomInAddress = () => fragment().get("room") ?? "";
const hrefOf = (room) => `#${new URLSearchParams({ ...(room && { room }) })}`;
const token = takeToken() || tabStorage.get(TOKEN_KEY) || "";
const parley = new Parley(token);
const stream = token && new SharedStream(parley, token);

let rooms = null;
let roomList = null;
let roomView = null;
let presence = null;
let search = null;
let notifications = null;
let push = null;
let pushOffer = null;
let levels = {};
let compareTimer = 0;
let shownDay = formatDay(Date.now());

// Rooms that are being refreshed, each with the `n` that the stream has reached.
const refreshing = new Map();

// The token of the address, which leaves the address and the history: both are copied and kept.
function takeToken() {
  const found = fragment().get("token") ?? "";
  if (found) {
    history.replaceState(history.state, "", hrefOf(roomInAddress()));
    tabStorage.set(TOKEN_KEY, found);
  }
  return found;
}

function showConnectionStatus(state, why) {
  const node = byId("connection-status");
  node.dataset.state = state;
  node.textContent = CONNECTION_STATUS[state];
  node.title = why;
  if (state === "refused") showNotice("You are not connected", why);
}

function showNotice(title, text) {
  document.body.dataset.screen = "room";
  byId("notice").hidden = false;
  byId("notice").querySelector("h2").textContent = title;
  byId("notice").querySelector("p").textContent = text;
}

// Takes a snapshot, then follows the stream from the snapshot's cursor, so that no event is missed.
async function start(failures = 0) {
  const snapshot = await stream.begin().catch((error) => error);
  if (!(snapshot instanceof Error)) {
    showRooms(snapshot);
    stream.follow({ hello, event: apply, reset, state: showConnectionStatus });
  } else if (mayPass(snapshot)) {
    showConnectionStatus("waiting", snapshot.message);
    setTimeout(() => start(failures + 1), backoff(failures));
  } else showConnectionStatus("refused", snapshot.message);
}

function showRooms(snapshot) {
  const me = snapshot.user;
  rooms = new RoomStore(me);
  snapshot.rooms.forEach((room) => rooms.put(room));
  const drawn = () => {
    showUnread();
    presence.refreshDots();
  };
  roomList = new RoomList(rooms, hrefOf, {
    badgeOf: (entry) => badgeOf(levels, entry, Date.now()),
    drawn,
  });
  presence = new Presence(parley);
  roomView = new RoomView(parley, rooms, presence);
  byId("my-presence").replaceChildren(nameNode(me), presenceDot(me));
  byId("my-presence").addEventListener("click", () => attempt(presence.toggleAway(me)));
  const newRoom = new NewRoomDialog(parley, me, (room) => (location.hash = hrefOf(room)));
  byId("new-room").addEventListener("click", () => newRoom.show());
  search = new MessageSearch(parley, {
    room: () => roomView.room,
    titleOf: (room) => (rooms.get(room) ? rooms.titleOf(rooms.get(room)) : room),
    chosen: goToMessage,
    typed: (text) => roomList.filter(text),
  });
  notifications = new Notifications(rooms, (room) => (location.hash = hrefOf(room)));
  setInterval(redrawAtMidnight, CLOCK_MS);
  push = new Push(parley, (room) => (location.hash = hrefOf(room)));
  pushOffer = new PushOffer(push, me);
  attempt(push.refresh());
  attempt(showLevels());
  document.addEventListener("levels-changed", () => attempt(showLevels()));
  for (const id of ["sidebar", "new-room"]) byId(id).hidden = false;
  roomList.drawAll();
  route();
}

// Of which rooms the user wants to know decides their badges, too.
async function showLevels() {
  levels = await parley.request("GET", "/v1/me/notify");
  roomList.drawAll();
  presence.refreshDots();
}

// Shows the room that the address names, or the list.
async function route() {
  if (!rooms) return;
  const room = roomInAddress();
  document.body.dataset.screen = room ? "room" : "list";
  byId("notice").hidden = true;
  roomList.setCurrent(room);
  roomView.close();
  if (room) {
    attempt(push.clear(room));
    await openRoom(room);
  } else {
    const hasRooms = rooms.newestFirst.length > 0;
    showNotice("Parley", hasRooms ? "Choose a room." : "You are in no room yet.");
    document.body.dataset.screen = "list";
  }
  showUnread();
  presence.refreshDots();
}

async function openRoom(room) {
  try {
    if (!rooms.get(room)) {
      rooms.put(await parley.room(room));
      roomList.draw(room);
      roomList.setCurrent(room);
    }
    if (roomInAddress() === room && roomView.room !== room) await roomView.open(room);
  } catch (error) {
    if (roomInAddress() !== room) return;
    roomView.close();
    showNotice("This room can't be shown", isFault(error) ? FAULT : error.message);
    byId("join-room").hidden = error.code !== "room_unknown";
    if (isFault(error)) throw error;
  }
}

async function goToMessage(room, seq) {
  if (roomView.room !== room) {
    history.pushState(null, "", hrefOf(room));
    await route();
  }
  document.body.dataset.screen = "room";
  await attempt(roomView.goTo(seq));
}

async function join() {
  const room = roomInAddress();
  if (await attempt(parley.addMember(room, rooms.me))) route();
}

// The stream is live, for the first time or again. The stream does not repeat what another device
// has read meanwhile, so the unread counts are compared with the server's.
function hello({ rooms: joined }) {
  const known = new Set(rooms.newestFirst.map(({ room }) => room));
  const still = new Set(joined);
  for (const room of known) if (!still.has(room)) leaveRoom(room);
  refreshAll(joined.filter((room) => !known.has(room)));
  roomView.refresh();
  clearTimeout(compareTimer);
  compareTimer = setTimeout(compareUnread, COMPARE_AFTER_MS);
}

async function compareUnread() {
  const unread = await parley.unread().catch(() => null);
  if (unread) refreshAll(rooms.withOtherCounts(unread).map(({ room }) => room));
}

// Applies an event of the stream.
function apply(event) {
  if (event.kind === "typing" || event.kind === "receipts") return roomView.apply(event);
  if (event.kind === "unread") rooms.updateUnread(event);
  else if (!rooms.get(event.room)) refresh(event.room, event.n);
  else if (event.kind === "review") return roomView.apply(event);
  else if (event.kind === "member.removed" && event.user === rooms.me) return leaveRoom(event.room);
  else if (event.sanction === "ban" && event.user === rooms.me) return leaveRoom(event.room, event);
  else if (rooms.apply(event)) refresh(event.room);
  roomView.apply(event);
  search.apply(event);
  pushOffer.apply(event);
  notifications.apply(event);
  roomList.draw(event.room);
}

// Times of another day are shown as its name or date.
function redrawAtMidnight() {
  const today = formatDay(Date.now());
  if (today === shownDay) return;
  shownDay = today;
  roomList.drawAll();
  search.redraw();
}

function showUnread() {
  const title = roomView.title || "Parley";
  document.title = rooms.unread ? `(${rooms.unread}) ${title}` : title;
}

function leaveRoom(room, ban = null) {
  const isOpen = roomView.room === room;
  if (isOpen) roomView.close();
  rooms.remove(room);
  roomList.draw(room);
  if (!isOpen) return;
  const why = ban ? describeSanction(ban, rooms.me) : "You left it, or somebody removed you.";
  showNotice("You are no longer in this room", why);
}

// Gets a room from the server, again and again while the answer is older than the stream.
async function refresh(room, n = 0, failures = 0) {
  const known = refreshing.get(room);
  refreshing.set(room, Math.max(n, known ?? 0));
  if (known !== undefined && !failures) return;
  const shown = await parley.room(room).catch((error) => error);
  const failed = shown instanceof Error;
  const again = failed ? mayPass(shown) : shown.n < refreshing.get(room);
  if (again || (!failed && !rooms.put(shown))) {
    setTimeout(() => refresh(room, 0, failures + 1), backoff(failures));
    return;
  }
  refreshing.delete(room);
  roomList.draw(room);
  roomView.roomChanged(room);
  // The address may name a room that has just been opened or joined again.
  if (roomInAddress() === room && roomView.room !== room && rooms.get(room)) route();
}

async function refreshAll(some) {
  if (some.length <= MAX_SINGLE_REFRESHES) return some.forEach((room) => refresh(room));
  const snapshot = await parley.sync().catch(() => ({ rooms: [] }));
  const outdated = snapshot.rooms.filter((room) => !rooms.put(room));
  outdated.forEach(({ room }) => refresh(room));
  roomList.drawAll();
}

// The stream could not resume these rooms: what the page knows of them may be out of date.
function reset(lost) {
  refreshAll(lost);
  if (lost.includes(roomView.room)) roomView.reset();
}

// A fault of the page's own is said as such. It is no outage: nothing is tried again.
for (const name of ["error", "unhandledrejection"]) {
  addEventListener(name, () => showToast(FAULT));
}
// The back-forward cache brings back a page whose stream has ended.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
addEventListener("hashchange", () => {
  const other = takeToken();
  if (other && other !== token) location.reload();
  else route();
});
byId("back-to-rooms").addEventListener("click", () => (location.hash = hrefOf("")));
byId("join-room").addEventListener("click", join);
if (token) start();
else {
  byId("connection-status").hidden = true;
  showNotice("This page needs a link", "Open one of the links that “parley up” prints.");
}
