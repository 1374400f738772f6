// Shows the pushes of Parley in this browser, while no tab of the page is seen, and opens the room
// on a click. It controls no page and stores nothing.

const COUNT = new Intl.PluralRules("en");

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));
self.addEventListener("notificationclick", (event) => event.waitUntil(open(event.notification)));

function read(data) {
  try {
    return data?.json() ?? {};
  } catch {
    return {}; // something has to be shown, or the browser takes the permission away
  }
}

async function show(push) {
  if ((await tabs()).some((tab) => tab.visibilityState === "visible")) return;
  const { room = "", n = 0 } = push;
  // Those of a room replace each other. One that comes for the second time makes no sound.
  const [known] = room ? await self.registration.getNotifications({ tag: room }) : [];
  const isOld = known?.data?.n >= n;
  await self.registration.showNotification(titleOf(push), {
    body: bodyOf(push),
    tag: room,
    renotify: !isOld && room !== "",
    silent: isOld,
    timestamp: push.at_ms,
    icon: "/static/icon.svg",
    data: { room, n },
  });
}

function titleOf({ by, name, direct }) {
  if (direct) return by || "Parley";
  return [by, name].filter(Boolean).join(" in ") || "Parley";
}

function bodyOf({ text, files = 0, unread = 1 }) {
  const more = unread > 1 ? ` (${unread} unread)` : "";
  if (text) return `${text}${more}`;
  if (files) return `${counted(files, "file")}${more}`;
  return unread > 1 ? `${unread} new messages` : "A new message";
}

function counted(count, noun) {
  return `${count} ${noun}${COUNT.select(count) === "one" ? "" : "s"}`;
}

async function open(notification) {
  notification.close();
  const { room = "" } = notification.data ?? {};
  const [tab] = await tabs();
  if (tab) {
    tab.postMessage({ kind: "push.clicked", room });
    await tab.focus();
  } else {
    await self.clients.openWindow(`/#${new URLSearchParams({ ...(room && { room }) })}`);
  }
}

// The tabs of the page, the one that was seen last first.
function tabs() {
  return self.clients.matchAll({ type: "window", includeUncontrolled: true });
}
