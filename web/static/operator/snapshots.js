// Snapshots of the edge, by Server-Sent Events. An EventSource can't send the token in a header, and
// a ticket is no admin's: so the stream is read by fetch.

import { backoff } from "../parley.js";

const EVENTS = "/v1/operator/events";

/** Parts of a stream's text: each `{name, data}`. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n").map((line) => line.split(/: (.*)/s));
      const { event: name, data } = Object.fromEntries(lines);
      yield { name, data: JSON.parse(data) };
    }
  }
}

/** Asks the edge as this token's bearer. Resolves to `{status, answer}`. */
export async function ask(token, path, body) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const request = body ? { method: "POST", body: JSON.stringify(body) } : {};
  const response = await fetch(path, { ...request, headers });
  return { status: response.status, answer: await response.json() };
}

/** Follows the edge until it refuses the token; resolves to the problem then. `show` gets each
 *  snapshot, `say` the state of the connection. */
export async function follow(token, show, say) {
  // A header takes no other characters, and no token has them.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    return { code: "token_invalid", detail: "the token has characters that no token has" };
  }
  for (let failures = 0; ; failures += 1) {
    try {
      const response = await fetch(EVENTS, { headers: { Authorization: `Bearer ${token}` } });
      if (response.status === 401 || response.status === 403) return await response.json();
      if (!response.ok) throw new Error(`${response.status}`);
      for await (const { name, data } of eventsOf(response.body)) {
        failures = 0;
        if (name === "snapshot") {
          say("Live");
          show(data);
        } else if (data.code.startsWith("token") || data.code === "banned") {
          return { code: data.code, detail: data.reason };
        }
      }
    } catch {
      // The edge is away, or stops: another one, or the same, answers soon.
    }
    say("Reconnecting …");
    await new Promise((resolve) => setTimeout(resolve, backoff(failures)));
  }
}
