// Drawing once for all that has changed: before the next frame, or soon where the page is hidden
// and has no frames.

const HIDDEN_MS = 200;

const waiting = new Set();
let isScheduled = false;

/** Calls `draw` before the next frame, once however often it is asked for. */
export function drawSoon(draw) {
  waiting.add(draw);
  if (isScheduled) return;
  isScheduled = true;
  if (document.hidden) setTimeout(run, HIDDEN_MS);
  else requestAnimationFrame(run);
}

function run() {
  isScheduled = false;
  const all = [...waiting];
  waiting.clear();
  // A fault in one leaves the others alone, and is reported as any other.
  for (const draw of all) {
    try {
      draw();
    } catch (error) {
      reportError(error);
    }
  }
}

// A frame that was asked for comes no more once the page is hidden.
document.addEventListener("visibilitychange", () => document.hidden && waiting.size && run());
