/** A map that forgets what was used longest ago. */
export interface Recent<V> {
  readonly get: (key: string) => V | undefined;
  readonly set: (key: string, value: V) => void;
}

/** Keeps the `most` values that were asked for last. */
export function recent<V>(most: number): Recent<V> {
  const entries = new Map<string, V>();
  let newest: string | undefined;
  return {
    get: (key) => {
      const value = entries.get(key);
      if (value !== undefined && key !== newest) {
        entries.delete(key);
        entries.set(key, value);
        newest = key;
      }
      return value;
    },
    set: (key, value) => {
      entries.delete(key);
      entries.set(key, value);
      newest = key;
      if (entries.size > most) entries.delete(entries.keys().next().value!);
    },
  };
}
