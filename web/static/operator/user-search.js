// Looking up where a user is connected.

import { byId, formatDateTime } from "../lib/dom.js";
import { ask } from "./snapshots.js";

function described({ user, streams, last_seen_ms }) {
  const places = Object.entries(streams).map(([edge, count]) => `${edge} (${count})`);
  if (places.length) return `${user} has streams at ${places.join(", ")}.`;
  const last = last_seen_ms ? `; the last one closed on ${formatDateTime(last_seen_ms)}` : "";
  return `${user} has no open stream${last}.`;
}

/** Makes the form answer. */
export function searchUsers(token) {
  byId("user-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const user = byId("user-name").value.trim();
    const found = byId("user-found");
    try {
      const path = `/v1/operator/users/${encodeURIComponent(user)}`;
      const { status, answer } = await ask(token, path);
      found.textContent = status === 200 ? described(answer) : answer.detail;
    } catch {
      found.textContent = "The edge does not answer; try again.";
    }
  });
}
