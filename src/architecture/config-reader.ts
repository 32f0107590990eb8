import { VramCalcError } from "../errors.ts";

/** Larger than any published dimension, small enough that sums of products stay checkable. */
const LARGEST_SIZE = 2 ** 31;
/** Layer lists are walked, so their length is bounded. */
export const LARGEST_LAYER_COUNT = 100_000;

export type Keys = string | readonly string[];

/**
 * Typed access to a config.json. Several keys mean aliases in order of search; `null` counts as absent,
 * as in the model classes. Without a fallback a missing key is a `bad-config` error naming the first alias.
 */
export interface ConfigReader {
  readonly file: string;
  /** Path of this object in the file: "" or "text_config". */
  readonly path: string;
  readonly raw: Readonly<Record<string, unknown>>;
  readonly parent?: ConfigReader;
  has(keys: Keys): boolean;
  /** A whole number from 1 to 2^31. */
  int(keys: Keys, fallback?: number): number;
  /** A whole number from 0 to 2^31. */
  count(keys: Keys, fallback?: number): number;
  /** Number of layers: 0 to 100,000. */
  layers(keys: Keys, fallback?: number): number;
  /** `int`, or undefined when absent. */
  optionalInt(keys: Keys): number | undefined;
  number(keys: Keys, fallback?: number): number;
  flag(keys: Keys, fallback?: boolean): boolean;
  optionalFlag(keys: Keys): boolean | undefined;
  text(keys: Keys, fallback?: string): string;
  optionalText(keys: Keys): string | undefined;
  /** A list of whole numbers from 0, or undefined when absent. */
  ints(keys: Keys): readonly number[] | undefined;
  texts(keys: Keys): readonly string[] | undefined;
  /** A list of objects, or undefined when absent. */
  children(keys: Keys): readonly ConfigReader[] | undefined;
  child(keys: Keys): ConfigReader | undefined;
  /** Throws `bad-config` for `key`. */
  fail(key: string, expected: string): never;
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return "missing";
  // A list of one class or size says more by what it holds.
  if (Array.isArray(value) && !(value.length === 1 && typeof value[0] !== "object"))
    return `a list of ${value.length}`;
  if (typeof value === "object" && !Array.isArray(value)) return "an object";
  // Python writes NaN; a number of too many digits is read as Infinity.
  if (typeof value === "number" && !Number.isFinite(value))
    return Number.isNaN(value) ? "NaN" : "a number that is too large";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** An object of a JSON file: neither a list nor null. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a parsed value is one. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Wraps a parsed config.json.
 *
 * @throws bad-config when it is not an object.
 */
export function readConfig(
  value: unknown,
  file: string,
  at: { readonly path: string; readonly parent?: ConfigReader } = { path: "" },
): ConfigReader {
  const named = (key: string): string => (at.path === "" ? key : `${at.path}.${key}`);
  if (!isJsonObject(value)) {
    throw new VramCalcError("bad-config", {
      file,
      key: at.path === "" ? "(the whole file)" : at.path,
      found: value === null ? "null" : describe(value),
      expected: "an object of settings",
    });
  }
  const find = (keys: Keys): { key: string; value: unknown } => {
    if (typeof keys === "string") return { key: keys, value: own(value, keys) };
    for (const key of keys) {
      const found = own(value, key);
      if (found !== undefined) return { key, value: found };
    }
    return { key: keys[0]!, value: undefined };
  };
  const fail = (key: string, expected: string): never => {
    throw new VramCalcError("bad-config", {
      file,
      key: named(key),
      found: describe(own(value, key)),
      expected,
    });
  };
  const whole = (keys: Keys, min: number, max: number, fallback: number | undefined): number => {
    const found = find(keys);
    if (found.value === undefined && fallback !== undefined) return fallback;
    const n = found.value;
    if (typeof n !== "number" || !Number.isInteger(n) || n < min || n > max)
      fail(found.key, `a whole number from ${min} to ${max}`);
    return n as number;
  };
  const list = <T>(
    keys: Keys,
    is: (item: unknown) => item is T,
    expected: string,
  ): readonly T[] | undefined => {
    const found = find(keys);
    if (found.value === undefined) return undefined;
    if (!Array.isArray(found.value) || found.value.length > LARGEST_LAYER_COUNT) fail(found.key, expected);
    const items = found.value as readonly unknown[];
    // `every` passes over holes, which only a caller that parsed no JSON can bring.
    if (!items.every(is) || (items as readonly unknown[]).includes(undefined)) fail(found.key, expected);
    return items as readonly T[];
  };
  const reader: ConfigReader = {
    file,
    path: at.path,
    raw: value,
    ...(at.parent === undefined ? {} : { parent: at.parent }),
    has: (keys) => find(keys).value !== undefined,
    int: (keys, fallback) => whole(keys, 1, LARGEST_SIZE, fallback),
    count: (keys, fallback) => whole(keys, 0, LARGEST_SIZE, fallback),
    layers: (keys, fallback) => whole(keys, 0, LARGEST_LAYER_COUNT, fallback),
    optionalInt: (keys) =>
      find(keys).value === undefined ? undefined : whole(keys, 1, LARGEST_SIZE, undefined),
    number: (keys, fallback) => {
      const found = find(keys);
      if (found.value === undefined && fallback !== undefined) return fallback;
      if (typeof found.value !== "number" || !Number.isFinite(found.value)) fail(found.key, "a number");
      return found.value as number;
    },
    flag: (keys, fallback) => {
      const found = find(keys);
      if (found.value === undefined && fallback !== undefined) return fallback;
      if (typeof found.value !== "boolean") fail(found.key, "true or false");
      return found.value as boolean;
    },
    optionalFlag: (keys) => (find(keys).value === undefined ? undefined : reader.flag(keys)),
    text: (keys, fallback) => {
      const found = find(keys);
      if (found.value === undefined && fallback !== undefined) return fallback;
      if (typeof found.value !== "string") fail(found.key, "a text");
      return found.value as string;
    },
    optionalText: (keys) => (find(keys).value === undefined ? undefined : reader.text(keys)),
    ints: (keys) =>
      list(
        keys,
        (n): n is number => typeof n === "number" && Number.isInteger(n) && n >= 0 && n <= LARGEST_SIZE,
        "a list of whole numbers",
      ),
    texts: (keys) => list(keys, (s): s is string => typeof s === "string", "a list of texts"),
    children: (keys) => {
      const key = find(keys).key;
      return list(keys, isJsonObject, "a list of objects")?.map((item, i) =>
        readConfig(item, file, { path: named(`${key}[${i}]`), parent: reader }),
      );
    },
    child: (keys) => {
      const found = find(keys);
      return found.value === undefined
        ? undefined
        : readConfig(found.value, file, { path: named(found.key), parent: reader });
    },
    fail,
  };
  return reader;
}

/**
 * The same object over the defaults of its class: a nested config is published without the keys that
 * equal them. An explicit null stays absent.
 */
export function withDefaults(
  config: ConfigReader,
  defaults: Readonly<Record<string, unknown>>,
): ConfigReader {
  return rewrapped(config, { ...defaults, ...config.raw });
}

/** The same object with some keys replaced: an older key that the class lets win, or a part read as a model. */
export function overriding(config: ConfigReader, keys: Readonly<Record<string, unknown>>): ConfigReader {
  return rewrapped(config, { ...config.raw, ...keys });
}

function rewrapped(config: ConfigReader, raw: Readonly<Record<string, unknown>>): ConfigReader {
  const { file, path, parent } = config;
  return readConfig(raw, file, parent === undefined ? { path } : { path, parent });
}

/** Own property or undefined; `null` counts as absent and inherited names never count. */
function own(value: Record<string, unknown>, key: string): unknown {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  return found === null ? undefined : found;
}

/**
 * `tie_word_embeddings`: the text part's value, else the enclosing config's, else the class default.
 */
export function tiedEmbeddings(config: ConfigReader, classDefault: boolean): boolean {
  return (
    config.optionalFlag("tie_word_embeddings") ??
    config.parent?.optionalFlag("tie_word_embeddings") ??
    classDefault
  );
}

/** Query heads, key/value heads and head size, with the checks that every attention shares. */
export function readHeads(
  config: ConfigReader,
  defaults: { readonly hiddenSize: number; readonly kvHeads?: number; readonly headDim?: number },
): { readonly heads: number; readonly kvHeads: number; readonly headDim: number } {
  const heads = config.int(["num_attention_heads", "n_head", "n_heads", "num_heads"]);
  // A null is a statement (as many as heads, hidden / heads); only an absent key takes the class default.
  const kvDefault = config.raw.num_key_value_heads === null ? heads : (defaults.kvHeads ?? heads);
  const kvHeads = config.int(["num_key_value_heads", "num_kv_heads", "n_head_kv"], kvDefault);
  let headDim =
    config.optionalInt(["head_dim", "attention_head_dim"]) ??
    (config.raw.head_dim === null ? undefined : defaults.headDim);
  if (headDim === undefined) {
    if (defaults.hiddenSize % heads !== 0)
      config.fail(
        "num_attention_heads",
        `a divisor of hidden_size ${defaults.hiddenSize}, or a head_dim key`,
      );
    headDim = defaults.hiddenSize / heads;
  }
  if (heads % kvHeads !== 0) config.fail("num_key_value_heads", `a divisor of the ${heads} attention heads`);
  return { heads, kvHeads, headDim };
}
