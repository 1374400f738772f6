// Input methods, with which Chinese, Japanese, Korean and others are typed.

/** Whether a key press belongs to an input method, which picks a word with Enter and gives up with
 *  Escape. Safari reports the last one after the composition, by the key code alone. */
export const isComposing = (event) => event.isComposing || event.keyCode === 229;
