/** Exit codes of the command line. 1 means over budget and nothing else. */
export const EXIT = { ok: 0, overBudget: 1, badRequest: 2, unavailable: 3, bug: 70 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each failure carries. Adding a code here is the only way to add a failure. */
export interface ErrorDetails {
  /** A number, size, count or token count that cannot be read. */
  "bad-quantity": { readonly what: string; readonly input: string; readonly hint: string };
  /** A value that breaks the contract of a function or an option. */
  "bad-option": { readonly option: string; readonly given: string; readonly expected: string };
  /** A name that is not in a table; `nearest` lists the closest names, best first. */
  "unknown-name": {
    readonly kind: string;
    readonly name: string;
    readonly nearest: readonly string[];
    readonly hint?: string;
  };
  /** A value that the target format cannot hold under the chosen overflow rule. */
  "out-of-range": { readonly format: string; readonly value: string; readonly limit: string };
  /** A file whose content is not what its kind demands. `where` is a line and column, an offset or a key. */
  "malformed-file": {
    readonly file: string;
    readonly where?: string;
    readonly found: string;
    readonly expected: string;
  };
  /** A key of a config.json that is missing or has an impossible value. */
  "bad-config": {
    readonly file: string;
    readonly key: string;
    readonly found: string;
    readonly expected: string;
  };
  /** A model that no family describes. */
  "unsupported-model": {
    readonly file: string;
    readonly modelType: string;
    readonly nearest: readonly string[];
    readonly reason: string;
  };
  /** A budgets file that cannot be used: the place, what is wrong there and, where the file is at fault, what to paste. */
  "bad-budgets": {
    readonly file: string;
    readonly line: number;
    readonly column: number;
    readonly problem: string;
    readonly example?: string;
  };
  /** A path that is absent or cannot be opened. */
  "unreadable-path": { readonly path: string; readonly reason: string; readonly hint: string };
  /** Something remote, or a device tool, that did not answer. Exit code 3: trying again may help. */
  "source-unavailable": { readonly source: string; readonly reason: string; readonly hint: string };
}

export type ErrorCode = keyof ErrorDetails;

const orList = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} or ${names[names.length - 1]}`;

const sentence = (text: string): string => {
  const trimmed = text.trim();
  return trimmed === "" || /[.?!]$/.test(trimmed) ? trimmed : `${trimmed}.`;
};

const MESSAGES: { readonly [C in ErrorCode]: (details: ErrorDetails[C]) => string } = {
  "bad-quantity": (d) => `cannot read "${d.input}" as ${d.what}: ${sentence(d.hint)}`,
  "bad-option": (d) => `${d.option} got ${d.given}, expected ${sentence(d.expected)}`,
  "unknown-name": (d) =>
    `unknown ${d.kind} "${d.name}"${d.nearest.length > 0 ? `: did you mean ${orList(d.nearest)}?` : "."}${
      d.hint === undefined ? "" : ` ${sentence(d.hint)}`
    }`,
  "out-of-range": (d) => `${d.value} does not fit ${d.format}, which ends at ${sentence(d.limit)}`,
  "malformed-file": (d) =>
    `${d.file}${d.where === undefined ? "" : `, ${d.where}`}: found ${d.found}, expected ${sentence(d.expected)}`,
  "bad-config": (d) => `${d.file}: key "${d.key}" is ${d.found}, expected ${sentence(d.expected)}`,
  "unsupported-model": (d) =>
    `${d.file}: cannot size model type "${d.modelType}": ${d.reason}${
      d.nearest.length > 0
        ? `; nearest known: ${orList(d.nearest)} (--assume-family NAME sizes it as one)`
        : ""
    }.`,
  "bad-budgets": (d) =>
    `${d.file}, line ${d.line}, column ${d.column}: ${
      d.example === undefined
        ? sentence(d.problem)
        : `${d.problem.replace(/[.\s]+$/, "")}; for example: ${d.example}`
    }`,
  "unreadable-path": (d) => `cannot read ${d.path}: ${d.reason}; ${sentence(d.hint)}`,
  "source-unavailable": (d) => `${d.source}: ${d.reason}; ${sentence(d.hint)}`,
};

/**
 * Every failure this package throws on purpose. Anything else that escapes is a bug.
 *
 * Branch on `code` and read `details`; `message` may be reworded at any time.
 */
export class VramCalcError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "VramCalcError";
  readonly code: C;
  readonly details: ErrorDetails[C];

  constructor(code: C, details: ErrorDetails[C], options?: ErrorOptions) {
    super(oneLine(MESSAGES[code](details)), options);
    this.code = code;
    this.details = details;
  }

  /** The exit code that the command line ends with for this failure. */
  get exitCode(): ExitCode {
    return this.code === "source-unavailable" ? EXIT.unavailable : EXIT.badRequest;
  }
}

/** User-supplied text may hold newlines or terminal escapes; a message never does, and stays short. */
function oneLine(text: string): string {
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
  return clean.length > 600 ? `${clean.slice(0, 597)}...` : clean;
}

/**
 * The names closest to `name`, best first: by edit distance, at most a third of the longer length away,
 * or one of three letters or more that the other holds. Nothing is near to nothing.
 *
 * @example nearestNames("qwen2.5-14", ["qwen2.5-14b", "llama-2-7b"]) // ["qwen2.5-14b"]
 */
export function nearestNames(name: string, known: Iterable<string>, limit = 3): string[] {
  const wanted = name.toLowerCase().slice(0, 100);
  const scored: { readonly known: string; readonly distance: number }[] = [];
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const contains =
      Math.min(wanted.length, lower.length) > 2 && (lower.includes(wanted) || wanted.includes(lower));
    const distance = contains ? Math.abs(lower.length - wanted.length) / 10 : editDistance(wanted, lower);
    if (wanted !== "" && (contains || distance <= Math.max(wanted.length, lower.length, 6) / 3))
      scored.push({ known: candidate, distance });
  }
  scored.sort((a, b) => a.distance - b.distance || (a.known < b.known ? -1 : 1));
  return scored.slice(0, limit).map((s) => s.known);
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replaced, row[j]! + 1, next[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, before[j - 2]! + 1);
      next.push(best);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
