import { nearestNames, VramCalcError } from "../errors.ts";

/**
 * The part of a result at a dotted path. A step is a key, an index, or the `id` of an entry of a list.
 *
 * @throws unknown-name when nothing is there, with the nearest names
 * @example fieldOf({ total: { bytes: 28e9 } }, "total.bytes") // 28_000_000_000
 * @example fieldOf(result, "devices.0.terms.weights.bytes")
 */
export function fieldOf(value: unknown, path: string): unknown {
  let here: unknown = value;
  const steps = path.slice(0, 1000).split(".");
  for (const [i, step] of steps.entries()) {
    const next = child(here, step);
    if (next === undefined) {
      const before = steps.slice(0, i).join(".");
      throw new VramCalcError("unknown-name", {
        kind: before === "" ? "field" : `field of ${before}`,
        name: step,
        nearest: nearestNames(step, names(here)),
        hint: hintOf(here),
      });
    }
    here = next;
  }
  return here;
}

/** The value as one prints it for a shell: text without quotes, the rest as JSON on one line. */
export const fieldText = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

function child(value: unknown, step: string): unknown {
  if (Array.isArray(value))
    return /^\d{1,9}$/.test(step) ? value[Number(step)] : value.find((entry) => idOf(entry) === step);
  if (value === null || typeof value !== "object" || !Object.hasOwn(value, step)) return undefined;
  return (value as Record<string, unknown>)[step];
}

function idOf(entry: unknown): unknown {
  if (entry === null || typeof entry !== "object") return undefined;
  const { id, code } = entry as { readonly id?: unknown; readonly code?: unknown };
  return id ?? code;
}

function names(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(idOf).filter((id) => typeof id === "string");
  return value !== null && typeof value === "object" ? Object.keys(value) : [];
}

function hintOf(value: unknown): string {
  const known = names(value).slice(0, 12);
  if (known.length > 0) return `there is ${known.join(", ")}`;
  return Array.isArray(value)
    ? `the list has ${value.length} entries, from 0`
    : "the value there has no fields";
}
