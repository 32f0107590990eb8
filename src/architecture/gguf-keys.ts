/** Typed reads of a GGUF file's own keys, those with one value per layer among them. */
import { VramCalcError } from "../errors.ts";

/** What is needed of a parsed header; a structural subset of the reader's result. */
export interface GgufModelFile {
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly vocabularyTokens: number | null;
  readonly tensors: readonly {
    readonly name: string;
    readonly rowMajorShape: readonly number[];
  }[];
}

/** Typed reads of `<architecture>.<key>`. */
export interface GgufKeys {
  readonly arch: string;
  /** A whole number, or undefined when the key is absent. */
  int(key: string): number | undefined;
  /** The value for a layer: a number for all, or an array with one each. */
  perLayer(key: string, layer: number): number | undefined;
}

/**
 * Readers of a file's metadata under its architecture's own prefix.
 *
 * @throws bad-config for a key that is missing or has an impossible value
 */
export function ggufKeys(file: GgufModelFile, name: string): GgufKeys {
  const arch = file.metadata.get("general.architecture");
  const fail = (key: string, found: string, expected: string): never => {
    throw new VramCalcError("bad-config", { file: name, key, found, expected });
  };
  if (typeof arch !== "string") return fail("general.architecture", "missing", "the name of an architecture");
  const check = (key: string, value: unknown): number | undefined => {
    if (value === undefined) return undefined;
    if (typeof value === "boolean") return value ? 1 : 0;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 2 ** 31)
      return fail(key, String(value).slice(0, 40), "a whole number");
    return value;
  };
  const values = (key: string): readonly unknown[] | undefined =>
    (file.metadata.get(`${arch}.${key}`) as { readonly values?: readonly unknown[] } | undefined)?.values;
  return {
    arch,
    int: (key) => {
      const value = file.metadata.get(`${arch}.${key}`);
      if (typeof value === "object" && value !== null) return Math.max(0, ...(values(key) ?? []).map(Number));
      return check(`${arch}.${key}`, value);
    },
    perLayer: (key, layer) => {
      const list = values(key);
      if (list !== undefined) return check(`${arch}.${key}`, list[layer]);
      const value = file.metadata.get(`${arch}.${key}`);
      return typeof value === "object" ? undefined : check(`${arch}.${key}`, value);
    },
  };
}

/** Refuses a file that lacks a key which one of its tensors needs. */
export function failGguf(file: string, key: string, expected: string): never {
  throw new VramCalcError("bad-config", { file, key, found: "missing or too large", expected });
}
