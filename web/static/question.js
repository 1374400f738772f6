// A question with two answers, asked on the page.

import { element } from "./view.js";

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
