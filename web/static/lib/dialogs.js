// The two modal dialogs: one asks for a confirmation, one for a few fields.

import { button, byId, labeledField, make, textInput } from "./dom.js";

/** Asks for a confirmation. Resolves to whether the button labelled `yes` was pressed. */
export function confirmDialog(title, text, yes) {
  const dialog = byId("confirm-dialog");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector("p").textContent = text;
  const [cancel, confirm] = dialog.querySelectorAll("button");
  confirm.textContent = yes;
  dialog.returnValue = "";
  cancel.onclick = () => dialog.close("");
  confirm.onclick = () => dialog.close("yes");
  dialog.showModal();
  return new Promise((resolve) => {
    const closed = () => resolve(dialog.returnValue === "yes");
    dialog.addEventListener("close", closed, { once: true });
  });
}

// Texts of cancelled dialogs, by the dialog's title: they are there when the same is asked
// again.
const cancelled = new Map();

/** Asks for a few fields, each `[label, control]` with a named control. Resolves to the values by
 *  name, or to null when the dialog was cancelled. */
export function formDialog(title, text, fields, submitLabel) {
  const dialog = byId("form-dialog");
  const form = dialog.querySelector("form");
  dialog.querySelector("h2").textContent = title;
  const hint = make("p", "hint", text);
  const cancel = button("plain", "Cancel", () => dialog.close(""));
  const submit = Object.assign(make("button", "primary", submitLabel), { type: "submit" });
  const nodes = fields.map(([label, control]) => labeledField(label, control));
  form.replaceChildren(...(text ? [hint] : []), ...nodes, make("div", "row", cancel, submit));
  let values = null;
  form.onsubmit = (event) => {
    event.preventDefault();
    values = Object.fromEntries(new FormData(form));
    dialog.close();
  };
  for (const [name, value] of cancelled.get(title) ?? []) form.elements[name].value = value;
  cancelled.delete(title);
  dialog.showModal();
  form.querySelector("input, select")?.focus();
  return new Promise((resolve) => {
    const closed = () => {
      if (!values) cancelled.set(title, [...new FormData(form)]);
      resolve(values);
    };
    dialog.addEventListener("close", closed, { once: true });
  });
}

/** A field for a reason, as long as the server accepts one. */
export function reasonInput() {
  return textInput("reason", { maxLength: 500 });
}

/** A choice of one among `[value, label]` pairs. */
export function selectInput(name, options) {
  const node = make("select", "", ...options.map(([value, label]) => new Option(label, value)));
  node.name = name;
  return node;
}
