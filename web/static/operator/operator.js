// The operator's page: takes the token from the address's fragment (`#token=…`) or from a form,
// follows the edge's snapshots, and shows them.

import { byId } from "../lib/dom.js";
import { tabStorage } from "../lib/storage.js";
import { Board } from "./board.js";
import { follow } from "./snapshots.js";

// The tab keeps the token for reloads. It is not that of the chat page in the same tab.
const TOKEN_KEY = "parley-operator-token";

const say = (text) => {
  if (byId("status").textContent !== text) byId("status").textContent = text;
};

// The token of the address, which leaves the address and the history: both are copied and kept.
function takeToken() {
  const found = new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
  if (found) history.replaceState(null, "", location.pathname);
  return found;
}

function refuse(title, text) {
  byId("board").hidden = true;
  byId("refused").hidden = false;
  byId("refused-title").textContent = title;
  byId("refused-text").textContent = text;
  tabStorage.remove(TOKEN_KEY);
  say("Not connected");
}

async function open(token) {
  if (!token) {
    refuse("No token", "This page shows its figures to admins.");
    return;
  }
  const board = new Board(token);
  const problem = await follow(
    token,
    (snapshot) => {
      tabStorage.set(TOKEN_KEY, token);
      byId("refused").hidden = true;
      byId("board").hidden = false;
      board.show(snapshot);
    },
    say,
  );
  const title = problem.code === "not_allowed" ? "This page is for admins (403)" : "Token refused";
  refuse(title, `${problem.detail}.`);
}

byId("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  tabStorage.set(TOKEN_KEY, new FormData(event.target).get("token").trim());
  location.reload();
});

open(takeToken() || tabStorage.get(TOKEN_KEY));
