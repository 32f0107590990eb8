/** Lists of modules in quantization configs: one matcher per method, as its loader or writer reads them. */
import type { Architecture } from "../architecture/model.ts";
import { compilePattern, type Matcher } from "../architecture/module-pattern.ts";
import type { MatchBudget } from "../architecture/pattern-program.ts";
import { VramCalcError } from "../errors.ts";
import type { Encoding } from "./encoding.ts";
import { canonicalName, moduleName, spellings } from "./module-names.ts";
import type { Place, Scheme } from "./scheme.ts";

/** True when a list names the module of a place. */
export type Names = (place: Place) => boolean;

/** A list, opened for one pass over one model. */
export type ModuleList = (model: Architecture, budget?: MatchBudget) => Names;

/** The list that names no module. */
export const NOTHING: ModuleList = () => () => false;

/** Work on one pass before its lists are refused: far beyond any published config, two seconds or so. */
export const passBudget = (): MatchBudget => ({ steps: 60_000_000 });

/** The usual assignment: `encoding` for what is reached and not on the list. */
export function unlessListed(
  list: ModuleList,
  reaches: (place: Place) => boolean,
  encoding: Encoding,
): Scheme["begin"] {
  return (model) => {
    const listed = list(model);
    return (place) => (reaches(place) && !listed(place) ? encoding : null);
  };
}

export interface ListAt {
  readonly file: string;
  readonly key: string;
}

interface Patterns {
  readonly matches: (names: readonly string[], budget: MatchBudget) => boolean;
}

interface Pattern {
  /** Literal start, which rules most names out at once. */
  readonly literal: string;
  readonly match: Matcher;
}

function patternsOf(sources: readonly string[], at: ListAt): Patterns {
  const compiled = sources.map((source): Pattern => {
    const match = compilePattern(source);
    if (match === null)
      throw new VramCalcError("bad-config", {
        file: at.file,
        key: at.key,
        found: `the pattern ${JSON.stringify(source.slice(0, 80))}`,
        expected: "a regular expression without back references or look-behind",
      });
    return { literal: literalStart(source), match };
  });
  return {
    matches: (names, budget) => {
      spend(budget, names.length * compiled.length, at, sources.length);
      const found = compiled.some(({ literal, match }) =>
        names.some((name) => (literal === "" || name.startsWith(literal)) && match(name, budget)),
      );
      spend(budget, 0, at, sources.length);
      return found;
    },
  };
}

/** @throws bad-config when the budget is used up: an answer would come too late, or not at all. */
function spend(budget: MatchBudget, steps: number, at: ListAt, entries: number): void {
  budget.steps -= steps;
  if (budget.steps > 0) return;
  throw new VramCalcError("bad-config", {
    file: at.file,
    key: at.key,
    found: `a list of ${entries}, too much work over this model's layers`,
    expected: "names and patterns that can be matched in a second",
  });
}

/** What every match starts with: plain characters and escaped dots, the last one left out as it may be optional. */
function literalStart(source: string): string {
  if (source.includes("|")) return "";
  const start = /^(?:[\w-]|\\\.)*/.exec(source)![0].replaceAll("\\.", ".");
  return start.slice(0, -1);
}

const isLiteral = (entry: string): boolean => /^[\w.-]*$/.test(entry);

/** The entries in one spelling; trailing dots and parameter names do not count. */
function literalSet(entries: readonly string[]): ReadonlySet<string> {
  const set = new Set<string>();
  for (const entry of entries) {
    const name = canonicalName(entry.replace(/\.$/, "").replace(/\.(weight|bias)$/, ""));
    if (name !== null && name !== "") set.add(name);
  }
  return set;
}

/** Whole segments of a name: all starts, all ends, or all runs, of which one is in the set. */
function hasRun(set: ReadonlySet<string>, name: string, runs: "whole" | "ends" | "anywhere"): boolean {
  if (set.size === 0) return false;
  if (runs === "whole") return set.has(name);
  const segments = name.split(".");
  for (let from = 0; from < segments.length; from++) {
    for (let to = segments.length; to > from; to--) {
      if (runs === "ends" && from > 0 && to < segments.length) continue;
      if (set.has(segments.slice(from, to).join("."))) return true;
    }
  }
  return false;
}

function listOf(
  entries: readonly string[],
  at: ListAt,
  spec: { readonly runs: "whole" | "ends" | "anywhere"; readonly patterns: readonly string[] },
): ModuleList {
  if (entries.length === 0 && spec.patterns.length === 0) return NOTHING;
  const set = literalSet(entries);
  const patterns = spec.patterns.length === 0 ? null : patternsOf(spec.patterns, at);
  return (model, budget = passBudget()) =>
    (place) => {
      const name = moduleName(place);
      const canonical = canonicalName(name);
      if (canonical !== null && hasRun(set, canonical, spec.runs)) return true;
      return patterns?.matches(spellings(place, model), budget) ?? false;
    };
}

/**
 * transformers 5.18 `should_convert_module`: an entry is the start of a name, its end, or a regular
 * expression from its start. Segments are compared whole, so that layer 1 is not layer 10.
 */
export function transformersList(entries: readonly string[], at: ListAt): ModuleList {
  const literal = entries.filter(isLiteral);
  const patterns = entries.filter((entry) => !isLiteral(entry));
  return listOf(literal, at, { runs: "ends", patterns });
}

/** bitsandbytes before transformers 5 also skips what lies below a module of that name anywhere. */
export function bitsAndBytesList(entries: readonly string[], at: ListAt): ModuleList {
  const patterns = entries.filter((entry) => !isLiteral(entry));
  return listOf(entries.filter(isLiteral), at, { runs: "anywhere", patterns });
}

/** compressed-tensors `match_name`: the exact name, or after "re:" a regular expression from its start. */
export function compressedTensorsList(entries: readonly string[], at: ListAt): ModuleList {
  return listOf(
    entries.filter((entry) => !entry.startsWith("re:")),
    at,
    {
      runs: "whole",
      patterns: entries.filter((entry) => entry.startsWith("re:")).map((entry) => entry.slice(3)),
    },
  );
}

/** AutoAWQ and vLLM: an entry anywhere in the name. */
export function substringList(entries: readonly string[], at: ListAt): ModuleList {
  const wanted = entries.filter((entry) => entry !== "");
  return (model, budget = passBudget()) =>
    (place) => {
      const names = spellings(place, model);
      spend(budget, wanted.length * names.length, at, wanted.length);
      return wanted.some((entry) => names.some((name) => name.includes(entry)));
    };
}

/** A shell pattern as a regular expression over the whole name. */
const fromGlob = (glob: string): string =>
  `${glob
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".")}$`;

/** ModelOpt and Quark: shell patterns over the whole name; an entry without any is a module wherever it stands. */
export function globList(entries: readonly string[], at: ListAt): ModuleList {
  const literal = entries.filter(isLiteral);
  const patterns = entries.filter((entry) => !isLiteral(entry)).map(fromGlob);
  return listOf(literal, at, { runs: "anywhere", patterns });
}

/** GPTQModel `dynamic` and AutoRound `extra_config`: a regular expression from the start, or the exact name. */
export function regexList(entries: readonly string[], at: ListAt): ModuleList {
  return listOf(entries.filter(isLiteral), at, {
    runs: "whole",
    patterns: entries.filter((entry) => !isLiteral(entry)),
  });
}

/** A map from names to values, for configs that give each module its own. */
export function namedValues<T>(rows: readonly (readonly [name: string, value: T])[]): {
  readonly find: (place: Place) => T | undefined;
} {
  const byName = new Map<string, T>();
  for (const [entry, value] of rows) {
    const name = canonicalName(entry);
    if (name !== null && !byName.has(name)) byName.set(name, value);
  }
  return {
    find: (place) => {
      let name = canonicalName(moduleName(place));
      // A whole block may be named: "mlp.experts".
      for (let up = 0; name !== null && up < 3; up++) {
        const found = byName.get(name);
        if (found !== undefined) return found;
        const dot = name.lastIndexOf(".");
        name = dot === -1 ? null : name.slice(0, dot);
      }
      return undefined;
    },
  };
}
