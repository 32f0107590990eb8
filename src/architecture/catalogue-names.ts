import { type CatalogueEntry, readCatalogueLine } from "./catalogue-entry.ts";
import { CATALOGUE_LINES } from "./catalogue-rows.ts";

/** Endings that publishers give to tuned copies, which nearly always keep the shapes of the base. */
const TUNED = /-(instruct|chat|it|base|hf|pt)(?=-|$)/g;

/** Name as it is compared: lower case, `_` and spaces as `-`. */
function canonical(name: string): string {
  return name
    .toLowerCase()
    .replace(/[\s_]+/g, "-")
    .replace(/^meta-(?=llama)/, "");
}

/** Lines by name: most who ask know it, and names are written as they are compared. */
let byName: Map<string, string> | undefined;

function lineIndex(): ReadonlyMap<string, string> {
  byName ??= new Map(
    CATALOGUE_LINES.trim()
      .split("\n")
      .map((line) => [line.slice(0, line.indexOf(" ")), line]),
  );
  return byName;
}

/** Entries are read once: results are remembered by the config that they came from. */
const entries = new Map<string, CatalogueEntry>();

function entryAt(name: string): CatalogueEntry | undefined {
  const line = lineIndex().get(name);
  if (line === undefined) return undefined;
  const known = entries.get(name);
  if (known !== undefined) return known;
  const entry = readCatalogueLine(line, (other) => entryAt(other)!.config);
  entries.set(name, entry);
  return entry;
}

let byHub: Map<string, string> | undefined;

/** Names by repository, with and without its owner; the first of two entries has it. */
function hubIndex(): ReadonlyMap<string, string> {
  if (byHub === undefined) {
    byHub = new Map();
    for (const [name, line] of lineIndex()) {
      const hub = canonical(line.split(" ", 2)[1]!);
      for (const id of [hub, canonical(hub.slice(hub.indexOf("/") + 1))])
        if (!byHub.has(id)) byHub.set(id, name);
    }
  }
  return byHub;
}

function entryNamed(name: string): CatalogueEntry | undefined {
  const named = entryAt(name);
  if (named !== undefined) return named;
  const other = hubIndex().get(name);
  return other === undefined ? undefined : entryAt(other);
}

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
  return [...lineIndex().keys()];
}
