// What people write with `eventsource`: prints each event as a line of JSON.
import { EventSource } from "eventsource";

const [url, token] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}` };
const source = new EventSource(url, {
  fetch: (to, init) => fetch(to, { ...init, headers: { ...init.headers, ...headers } }),
});
const say = (event) => console.log(JSON.stringify([event.type, JSON.parse(event.data)]));
source.onmessage = say;
for (const name of ["hello", "ping", "goodbye"]) source.addEventListener(name, say);
setInterval(() => {}, 1000); // it waits to reconnect, but keeps no process alive
