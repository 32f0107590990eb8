/** Where the budgets file is: named, or the nearest one from a directory upwards. */

import { readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { TextFile } from "../../check/text/place.ts";
import { VramCalcError } from "../../errors.ts";
import { readBoundedTextFile } from "../../sources/json/text-file.ts";
import { PACKAGE_KEY } from "./budget-rows.ts";

/** Names under which a budgets file is found, best first. */
export const BUDGET_FILES = [
  "vram-budget.json",
  "vram-budget.jsonc",
  "vram-budget.yaml",
  "vram-budget.yml",
] as const;

/** A budgets file is written by people: ten thousand rows take about one megabyte. */
const MOST_BYTES = 4 * 2 ** 20;

export interface FoundFile extends TextFile {
  /** Absolute path. */
  readonly path: string;
}

/**
 * Reads the named file, or looks for one in `cwd` and the directories above it.
 *
 * @throws unreadable-path, malformed-file when it is too long or no text, bad-option when a directory has two
 */
export async function findBudgets(named: string | undefined, cwd: string): Promise<FoundFile> {
  if (named !== undefined) return readFound(resolve(cwd, named), named);
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = budgetFilesIn(folder);
    if (found.length > 1) {
      throw new VramCalcError("bad-option", {
        option: folder,
        given: `${found.length} budgets files`,
        expected: `one of ${found.join(" and ")}, or the file's name after "check"`,
      });
    }
    if (found[0] !== undefined)
      return readFound(join(folder, found[0]), shortPath(join(folder, found[0]), cwd));
    const manifest = await manifestIn(folder, cwd);
    if (manifest !== null) return manifest;
    if (dirname(folder) === folder) break;
  }
  throw new VramCalcError("unreadable-path", {
    path: BUDGET_FILES[0],
    reason: `neither it, its .jsonc, .yaml and .yml forms nor a "${PACKAGE_KEY}" key in a package.json is here or above`,
    hint: "vram-calc check --init writes a first one",
  });
}

/** Names of the budgets files that lie in a directory. */
export function budgetFilesIn(folder: string): readonly string[] {
  const names = namesIn(folder);
  return BUDGET_FILES.filter((name) => names.has(name));
}

function namesIn(folder: string): ReadonlySet<string> {
  try {
    return new Set(readdirSync(folder));
  } catch {
    // A directory above may be closed to this user: nothing is found in it.
    return new Set();
  }
}

async function readFound(path: string, file: string): Promise<FoundFile> {
  return { path, file, text: await readNamedFile({ path, file }, MOST_BYTES) };
}

/**
 * A text file whose errors call it as the user does.
 *
 * @throws unreadable-path, malformed-file
 */
export async function readNamedFile(
  { path, file }: { readonly path: string; readonly file: string },
  maxBytes: number,
): Promise<string> {
  try {
    return await readBoundedTextFile(path, maxBytes);
  } catch (error) {
    if (!(error instanceof VramCalcError)) throw error;
    if (error.code === "unreadable-path")
      throw new VramCalcError("unreadable-path", {
        ...(error as VramCalcError<"unreadable-path">).details,
        path: file,
      });
    if (error.code === "malformed-file")
      throw new VramCalcError("malformed-file", {
        ...(error as VramCalcError<"malformed-file">).details,
        file,
      });
    throw error;
  }
}

/** A package.json with the key; one without it, or that cannot be read, is passed by. */
export async function manifestIn(folder: string, cwd: string): Promise<FoundFile | null> {
  if (!namesIn(folder).has("package.json")) return null;
  try {
    const found = await readFound(join(folder, "package.json"), shortPath(join(folder, "package.json"), cwd));
    return found.text.includes(`"${PACKAGE_KEY}"`) ? found : null;
  } catch (error) {
    if (error instanceof VramCalcError) return null;
    throw error;
  }
}

function shortPath(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === "" ? path : short;
}
