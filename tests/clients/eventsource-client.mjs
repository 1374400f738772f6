// What people write with `eventsource-client`: prints each event as a line of JSON.
import { createEventSource } from "eventsource-client";

const [url, token] = process.argv.slice(2);
createEventSource({
  url,
  headers: { Authorization: `Bearer ${token}` },
  onMessage: ({ event, data }) =>
    console.log(JSON.stringify([event ?? "message", JSON.parse(data)])),
});
