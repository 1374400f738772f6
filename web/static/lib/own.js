// Objects by names that people chose: `constructor` and `__proto__` are names as any other.

/** An object's own value under a key; undefined where it has none. */
export const own = (object, key) =>
  object && Object.hasOwn(object, key) ? object[key] : undefined;
