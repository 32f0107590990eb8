import { CATALOGUE, type CatalogueEntry } from "./catalogue-rows.ts";

/** Endings that publishers give to tuned copies, which nearly always keep the shapes of the base. */
const TUNED = /-(instruct|chat|it|base|hf|pt)(?=-|$)/g;

/** Name as it is compared: lower case, `_` and spaces as `-`. */
function canonical(name: string): string {
  return name
    .toLowerCase()
    .replace(/[\s_]+/g, "-")
    .replace(/^meta-(?=llama)/, "");
}

/** By name alone: most who ask know it, and its rows are written as names are compared. */
const byName: ReadonlyMap<string, CatalogueEntry> = new Map(CATALOGUE.map((entry) => [entry.name, entry]));

let byHub: Map<string, CatalogueEntry> | undefined;

/** By repository, with and without its owner; the first of two entries has a name. */
function hubIndex(): ReadonlyMap<string, CatalogueEntry> {
  if (byHub === undefined) {
    byHub = new Map();
    for (const entry of CATALOGUE) {
      const hub = canonical(entry.hub);
      for (const name of [hub, canonical(hub.slice(hub.indexOf("/") + 1))])
        if (!byHub.has(name)) byHub.set(name, entry);
    }
  }
  return byHub;
}

const entryNamed = (name: string): CatalogueEntry | undefined => byName.get(name) ?? hubIndex().get(name);

export interface CatalogueHit {
  readonly entry: CatalogueEntry;
  /** True when only the name without its tuning suffix is known: the caller says so in a note. */
  readonly approximate: boolean;
}

/**
 * The entry under a catalogue name, a repository name or a hub id. A plain name may carry a tuning suffix
 * ("llama-3.1-8b-instruct"); a hub id must be the one of the entry, because tuned repositories do differ.
 *
 * @example findCatalogueEntry("Qwen/Qwen2.5-14B").entry.name // "qwen2.5-14b"
 */
export function findCatalogueEntry(name: string): CatalogueHit | undefined {
  const wanted = canonical(name);
  const exact = entryNamed(wanted);
  if (exact !== undefined) return { entry: exact, approximate: false };
  if (wanted.includes("/")) return undefined;
  const base = entryNamed(wanted.replace(TUNED, ""));
  return base === undefined ? undefined : { entry: base, approximate: true };
}

/**
 * All names, for suggestions and completion.
 *
 * @example catalogueNames().includes("llama-3.1-8b") // true
 */
export function catalogueNames(): readonly string[] {
  return CATALOGUE.map((entry) => entry.name);
}
