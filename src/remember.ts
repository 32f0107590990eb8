/**
 * Sums over a model's tensors, worked out once: thousands of estimates ask about the same few models. For pure
 * functions of objects that never change; what is remembered goes when its object does.
 */

/**
 * `compute`, called once for each object.
 *
 * @example a sum over 400 tensors, asked for by 10,000 contexts, is summed once
 */
export function onceFor<A extends object, V extends NonNullable<unknown> | null>(
  compute: (about: A) => V,
): (about: A) => V {
  const known = new WeakMap<A, V>();
  return (about) => {
    let value = known.get(about);
    if (value === undefined) {
      value = compute(about);
      known.set(about, value);
    }
    return value;
  };
}

/** The part of Map and WeakMap that serves here. */
interface Table<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): unknown;
}

/** Texts and numbers come from requests, and a stream of them has no end: past so many all are forgotten. */
const MOST_KEYS = 1000;

/**
 * `compute`, called once for each object and key; a key is a text, a number or another object. `rest` is what a
 * text stands for, when the work needs it in full: equal keys must come with equal `rest`. Of one object at most
 * 1,000 texts are remembered, so what is computed must be the same each time and not be told apart by identity.
 *
 * @example bytes of a model by storage, a part of a model by "tp pp ep dp"
 */
export function onceForEach<
  A extends object,
  K,
  V extends NonNullable<unknown> | null,
  Rest extends unknown[],
>(compute: (about: A, key: K, ...rest: Rest) => V): (about: A, key: K, ...rest: Rest) => V {
  const known = new WeakMap<A, Table<K, V>>();
  return (about, key, ...rest) => {
    let byKey = known.get(about);
    if (byKey === undefined) {
      byKey = typeof key === "object" ? (new WeakMap() as Table<K, V>) : new Map<K, V>();
      known.set(about, byKey);
    }
    let value = byKey.get(key);
    if (value === undefined) {
      value = compute(about, key, ...rest);
      if (byKey instanceof Map && byKey.size >= MOST_KEYS) byKey.clear();
      byKey.set(key, value);
    }
    return value;
  };
}
