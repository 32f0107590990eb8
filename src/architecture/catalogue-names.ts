import { type CatalogueEntry, readCatalogueLine } from "./catalogue-entry.ts";
import { CATALOGUE_LINES } from "./catalogue-rows.ts";

/** Endings that publishers give to tuned copies, which nearly always keep the shapes of the base. */
const TUNED = /-(instruct|chat|it|base|hf|pt)(?=-|$)/g;

/** Name as it is compared: lower case, `_` and spaces as `-`. */
function canonical(name: string): string {
  return name
    .toLowerCase()
    .replace(/[\s_]+/g, "-")
    .replace(/(?<=^|\/)meta-(?=llama)/g, "");
}

/**
 * Name without what spellings differ in: no dash between a letter and a digit, and a size after `:` as Ollama writes it.
 * No two names of the catalogue become one.
 *
 * @example loose("llama3.1:8b") // "llama3.1-8b", as loose("llama-3.1-8b") is
 */
function loose(name: string): string {
  return name
    .replace(/:latest$/, "")
    .replace(":", "-")
    .replace(/(?<=[a-z])-(?=\d)|(?<=\d)-(?=[a-z])/g, "");
}

/**
 * What Ollama's library runs for a name without a size, its tag `latest` (public knowledge, not read from the library):
 * the size is the library's, and a note names the entry. TinyLlama and QwQ have one size only.
 */
const LIBRARY = `tinyllama=tinyllama-1.1b llama2=llama-2-7b llama3=llama-3-8b llama3.1=llama-3.1-8b llama3.2=llama-3.2-3b
llama3.3=llama-3.3-70b codellama=codellama-7b gemma=gemma-7b gemma2=gemma-2-9b gemma3=gemma-3-4b gemma3n=gemma-3n-e4b
phi3=phi-3-mini-4k mistral=mistral-7b mistral-nemo=mistral-nemo-12b mixtral=mixtral-8x7b codestral=codestral-22b
qwen2=qwen2-7b qwen2.5=qwen2.5-7b qwen2.5coder=qwen2.5-coder-7b qwen3=qwen3-8b qwq=qwq-32b gpt-oss=gpt-oss-20b
smollm2=smollm2-1.7b starcoder2=starcoder2-3b`;

/** Lines by name: most who ask know it, and names are written as they are compared. */
let byName: Map<string, string> | undefined;

function lineIndex(): ReadonlyMap<string, string> {
  // Not trimmed: the bundler would do that at once, and write the whole text a second time.
  byName ??= new Map(
    CATALOGUE_LINES.split("\n")
      .filter((line) => line !== "")
      .map((line) => [line.slice(0, line.indexOf(" ")), line]),
  );
  return byName;
}

/** The line of a name as it stands, found in the text: an index of all lines takes longer than one search. */
function lineOf(name: string): string | undefined {
  const start = CATALOGUE_LINES.indexOf(`\n${name} `) + 1;
  return start === 0 ? undefined : CATALOGUE_LINES.slice(start, CATALOGUE_LINES.indexOf("\n", start));
}

/** Entries are read once: results are remembered by the config that they came from. */
const entries = new Map<string, CatalogueEntry>();

function entryAt(name: string): CatalogueEntry | undefined {
  const known = entries.get(name);
  if (known !== undefined) return known;
  const line = lineOf(name);
  if (line === undefined) return undefined;
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

let byLoose: Map<string, string> | undefined;

/** Names by their loose spelling and by that of their repository without its owner; names go first. */
function looseIndex(): ReadonlyMap<string, string> {
  if (byLoose === undefined) {
    byLoose = new Map([...lineIndex().keys()].map((name) => [loose(name), name]));
    for (const [hub, name] of hubIndex())
      if (!hub.includes("/") && !byLoose.has(loose(hub))) byLoose.set(loose(hub), name);
  }
  return byLoose;
}

/** Repositories whose tuned and base files are of different types: F32 for the base of Gemma 2. */
const UNLIKE = /^google\/gemma-2-/;

let bySibling: Map<string, string> | undefined;

/** Names by repository with its owner and without tuning suffixes. */
function siblingIndex(): ReadonlyMap<string, string> {
  if (bySibling === undefined) {
    bySibling = new Map();
    for (const [hub, name] of hubIndex())
      if (hub.includes("/") && !UNLIKE.test(hub)) bySibling.set(hub.replace(TUNED, ""), name);
  }
  return bySibling;
}

function entryOf(name: string | undefined): CatalogueEntry | undefined {
  return name === undefined ? undefined : entryAt(name);
}

function entryNamed(name: string): CatalogueEntry | undefined {
  return entryAt(name) ?? entryOf(hubIndex().get(name) ?? looseIndex().get(loose(name)));
}

/** The entry that a name without a size stands for in Ollama's library. */
function libraryEntry(name: string): CatalogueEntry | undefined {
  const wanted = `${loose(name)}=`;
  const pair = LIBRARY.split(/\s/).find((one) => one.startsWith(wanted));
  return entryOf(pair?.slice(wanted.length));
}

export interface CatalogueHit {
  readonly entry: CatalogueEntry;
  /** True when the name is a tuned or base sibling's, or lacks its size: the caller says so in a note. */
  readonly approximate: boolean;
}

/**
 * The entry under a catalogue name in any usual spelling, a repository name or a hub id. A name may carry a tuning suffix
 * ("llama-3.1-8b-instruct"), and a hub id may be the tuned or base sibling of the entry's; both are approximate, since
 * siblings differ in context at times. A hub id of another owner, with a format in its name, a revision or a file is
 * not the catalogue's.
 *
 * @example findCatalogueEntry("Qwen/Qwen2.5-14B").entry.name // "qwen2.5-14b"
 * @example findCatalogueEntry("gpt-oss:20b").entry.name // "gpt-oss-20b"
 * @example findCatalogueEntry("Qwen/Qwen2.5-7B-Instruct").approximate // true
 */
export function findCatalogueEntry(name: string): CatalogueHit | undefined {
  const wanted = canonical(name);
  const repository = wanted.includes("/");
  const entry = repository ? entryOf(hubIndex().get(wanted)) : entryNamed(wanted);
  if (entry !== undefined) return { entry, approximate: false };
  const untuned = wanted.replace(TUNED, "");
  const base = repository
    ? entryOf(siblingIndex().get(untuned))
    : (entryNamed(untuned) ?? libraryEntry(wanted));
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
