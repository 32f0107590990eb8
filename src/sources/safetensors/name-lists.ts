import { allNames, holds, type NameSpans, type NameTable, nameAt } from "./name-spans.ts";

/** The names of a file's tensors, no two equal. */
export type HeldNames = NameTable | ReadonlySet<string>;

/** The names that an index lists for one shard. */
export type ListedNames = ListedSpans | readonly string[];

/** Some of the names of an index. */
export interface ListedSpans {
  readonly spans: NameSpans;
  readonly chosen: Uint32Array;
}

/** How many names are held or listed. */
export function countOf(names: HeldNames | ListedNames): number {
  if ("slots" in names) return names.spans.count;
  if ("chosen" in names) return names.chosen.length;
  return "size" in names ? names.size : names.length;
}

/** The first listed name that is not held. */
export function firstMissing(listed: ListedNames, held: HeldNames): string | null {
  if ("chosen" in listed && "slots" in held) {
    for (const index of listed.chosen)
      if (!holds(held, listed.spans, index)) return nameAt(listed.spans, index);
    return null;
  }
  const set = "slots" in held ? new Set(allNames(held.spans)) : held;
  for (const name of "chosen" in listed ? chosenNames(listed) : listed) if (!set.has(name)) return name;
  return null;
}

function* chosenNames({ spans, chosen }: ListedSpans): Iterable<string> {
  for (const index of chosen) yield nameAt(spans, index);
}
