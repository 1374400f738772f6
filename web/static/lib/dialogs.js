// A question that is answered by filling in a few fields.

import { button, element, field, make } from "./dom.js";

/** What was filled in, by name; null where it was called off. `fields`: [label, control], each
 *  control with a name. */
export function askFor(title, text, fields, yes) {
  const dialog = element("asking");
  const form = dialog.querySelector("form");
  dialog.querySelector("h2").textContent = title;
  const about = make("p", "topic", text);
  const no = button("plain", "Cancel", () => dialog.close(""));
  const go = Object.assign(make("button", "primary", yes), { type: "submit" });
  const nodes = fields.map(([label, control]) => field(label, control));
  form.replaceChildren(...(text ? [about] : []), ...nodes, make("div", "row", no, go));
  let given = null;
  form.onsubmit = (event) => {
    event.preventDefault();
    given = Object.fromEntries(new FormData(form));
    dialog.close();
  };
  dialog.showModal();
  form.querySelector("input, select")?.focus();
  return new Promise((resume) => {
    dialog.addEventListener("close", () => resume(given), { once: true });
  });
}

/** A line of text that is asked for. */
export function lineOf(name, more = {}) {
  return Object.assign(make("input", ""), { name, autocomplete: "off", maxLength: 500, ...more });
}

/** One of several: [value, label]. */
export function choiceOf(name, options) {
  const node = make("select", "", ...options.map(([value, label]) => new Option(label, value)));
  node.name = name;
  return node;
}

/** Whether it was answered by the button that is labelled `yes`. */
export function ask(title, text, yes) {
  const dialog = element("question");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("p").textContent = text;
  const [no, go] = dialog.querySelectorAll("button");
  go.textContent = yes;
  dialog.returnValue = "";
  no.onclick = () => dialog.close("");
  go.onclick = () => dialog.close("yes");
  dialog.showModal();
  return new Promise((resume) => {
    const closed = () => resume(dialog.returnValue === "yes");
    dialog.addEventListener("close", closed, { once: true });
  });
}
