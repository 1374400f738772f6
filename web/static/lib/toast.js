// The toast: a short notice at the bottom of the page.

import { NoAnswer, Refused } from "../parley.js";
import { byId } from "./dom.js";

const SHOWN_MS = 6000;

let timer = 0;

/** Shows a text for some seconds, in place of the one before. */
export function showToast(text) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => (toast.hidden = true), SHOWN_MS);
}

/** Whether an error is a fault of the page itself, and not the server's or the network's. */
export const isFault = (error) => !(error instanceof Refused || error instanceof NoAnswer);

/** Awaits a promise; its failure becomes a toast. Resolves to whether it succeeded. */
export async function attempt(promise) {
  try {
    await promise;
    return true;
  } catch (error) {
    if (isFault(error)) reportError(error);
    else showToast(error.message);
    return false;
  }
}
