/** What an options object may hold. JavaScript passes any name and any value, and what nobody reads changes nothing. */
import { nearestNames, VramCalcError } from "./errors.ts";
import { onceFor } from "./remember.ts";

/** Types as `typeof` has them, and a list, which is no object here. */
type Type =
  | "string"
  | "number"
  | "boolean"
  | "object"
  | "list"
  | "function"
  | "number or string"
  | "string or list";
/** A type; a whole number from that number; a share above 0, at most 1; one of some words; an object of known options. */
type Kind = Type | 0 | 1 | "share" | readonly string[] | Kinds;
interface Kinds {
  readonly [option: string]: Kind | `${Type}!`;
}

/** The kind of each option of `T`, with a `!` where it has to be there: a new option does not compile until it has one. */
export type OptionKinds<T> = {
  readonly [K in keyof T & string]-?: object extends Pick<T, K> ? Kind : `${Type}!`;
};

/**
 * Refuses options that do not exist, that are of the wrong kind and that are missing. An option of `undefined` is one
 * that is not given.
 *
 * @param of the function that takes them
 * @throws unknown-name with the nearest option, bad-option
 * @example checkOptions({ context: 8192 }, { contextTokens: "number" }, "estimate")
 * // unknown option of estimate "context": did you mean contextTokens?
 */
export function checkOptions(options: unknown, kinds: Kinds, of: string): void {
  checkType(options, "object", `options of ${of}`);
  const given = options as Readonly<Record<string, unknown>>;
  for (const name in given) {
    const value = given[name];
    if (value === undefined) continue;
    if (Object.hasOwn(kinds, name)) checkKind(value, kinds[name]!, name);
    else {
      const known = Object.keys(kinds);
      throw new VramCalcError("unknown-name", {
        kind: `option of ${of}`,
        name,
        nearest: nearestNames(name, known),
        hint: `it takes ${known.join(", ")}`,
      });
    }
  }
  for (const name of requiredOf(kinds))
    if (given[name] === undefined) checkKind(undefined, kinds[name]!, name);
}

const requiredOf = onceFor((kinds: Kinds) =>
  Object.keys(kinds).filter((name) => String(kinds[name]).endsWith("!")),
);

function checkKind(value: unknown, kind: Kinds[string], name: string): void {
  if (Array.isArray(kind)) {
    if (!kind.includes(value)) throw refused(name, value, kind.join(", "));
  } else if (typeof kind === "object") checkOptions(value, kind as Kinds, name);
  else if (typeof kind === "number") {
    if (!(Number.isSafeInteger(value) && (value as number) >= kind))
      throw refused(name, value, `a whole number from ${kind}`);
  } else if (kind === "share") {
    if (!(typeof value === "number" && value > 0 && value <= 1))
      throw refused(name, value, "a share above 0, at most 1");
  } else checkType(value, kind, name);
}

/** Not a number is no number, and null no object. */
function checkType(value: unknown, type: string, option: string): void {
  const found = Array.isArray(value) ? "list" : value === null ? "null" : typeof value;
  if (type.includes(found) && !Number.isNaN(value)) return;
  throw refused(option, value, `a value of type ${type.replace("!", "")}`);
}

const refused = (option: string, value: unknown, expected: string): VramCalcError =>
  new VramCalcError("bad-option", { option, given: shown(value), expected });

/**
 * A value of whatever type, for a sentence.
 *
 * @example shown([8]) // "a list"
 */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string") return `"${value.slice(0, 60)}"`;
  return typeof value === "object" && value !== null ? "an object" : String(value).slice(0, 60);
}
