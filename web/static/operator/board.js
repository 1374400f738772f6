// The board: what a snapshot says, in tables.

import { byId, formatDateTime } from "../lib/dom.js";
import { DeadLetters } from "./dead-letters.js";
import { Table } from "./table.js";
import { searchUsers } from "./user-search.js";

const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const plain = (name) => ({ [name]: value }) => number.format(value);
const sent = ({ sends }) => number.format(Object.values(sends).reduce((sum, one) => sum + one, 0));
const failed = ({ sends }) => number.format((sends.pending ?? 0) + (sends.unreachable ?? 0));

export class Board {
  constructor(token) {
    this.edges = new Table(byId("edges"), [
      ["Edge", "", ({ edge, here }) => `${edge}${here ? " (this one)" : ""}`],
      ["Process", "", ({ host, pid }) => `${host} ${pid}`],
      ["Since", "", ({ started_ms }) => formatDateTime(started_ms)],
      ["Streams", "number", plain("streams")],
      ["Polls", "number", plain("polls")],
      ["Sends/s", "number", sent],
      ["No verdict/s", "number", failed],
      ["Send, ms", "number", plain("send_ms")],
      ["Delivered/s", "number", plain("delivered")],
      ["Delivery, ms", "number", plain("delivery_ms")],
    ]);
    this.groups = new Table(byId("groups"), [
      ["Group", "", ({ group }) => group],
      ["State", "", ({ state }) => state],
      ["Members", "number", plain("members")],
      ["Behind", "number", plain("behind")],
      ["Seconds", "number", plain("seconds")],
      ["Rebalances seen", "number", plain("rebalances")],
    ]);
    this.rules = new Table(byId("rules"), [
      ["Rule", "", ({ name }) => name],
      ["Kind", "", ({ kind }) => kind],
      ["Rooms", "long", ({ rooms }) => rooms.join(", ") || "all"],
    ]);
    this.regions = new Table(byId("regions"), [
      ["Partition", "number", plain("partition")],
      ["Home", "", ({ home, to }) => (to ? `${home}, on its way to ${to}` : home)],
      ["Epoch", "number", plain("epoch")],
    ]);
    this.deadLetters = new DeadLetters(token);
    searchUsers(token);
  }

  show({ deployment, edges, groups, dead_letters, rules, away }) {
    const region = deployment.region ? `, region ${deployment.region}` : "";
    byId("deployment").textContent = `Deployment ${deployment.id}${region}`;
    const silent = Object.entries(away).map(([part, why]) => `${part} does not answer: ${why}.`);
    byId("away").textContent = silent.join(" ");
    this.edges.show(edges.map((one) => [one.edge, one]));
    this.groups.show(groups.map((one) => [one.group, one]));
    this.deadLetters.show(dead_letters);
    const since = rules.version ? `, set by ${rules.by} on ${formatDateTime(rules.at_ms)}` : "";
    const hook = rules.hook ? `. The hook at ${rules.hook} is asked, too` : "";
    byId("rules-version").textContent = `Version ${rules.version}${since}${hook}.`;
    this.rules.show(rules.rules.map((one) => [one.name, one]));
    byId("regions-section").hidden = deployment.regions.length === 0;
    this.regions.show(deployment.partitions.map((one) => [one.partition, one]));
  }
}
