/** The README's examples, read from its text: what the test runs and what `npm run readme` rewrites. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { invoke } from "./cli/invoke.ts";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** Real published configs lie beside the project where it is developed; examples that need one skip without. */
const published = join(root, "../shared/configs/Qwen__Qwen3-32B.json");
export const havePublished = existsSync(published);

export interface Example {
  /** "vram-calc 14B --dtype fp16", perhaps with "; echo $?". */
  readonly command: string;
  /** What the README shows. */
  readonly shown: string;
}

/** Console blocks hold `$ vram-calc ...` lines, each followed by what it prints. */
export function readExamples(readme: string): readonly Example[] {
  return [...readme.matchAll(/^```console\n([\s\S]*?)^```$/gm)].flatMap((block) =>
    block[1]!
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const end = part.indexOf("\n");
        return { command: part.slice(0, end), shown: part.slice(end + 1).trimEnd() };
      }),
  );
}

export const needsPublished = ({ command }: Example): boolean => command.includes("Qwen3-32B/");

/** A folder with what the examples read. */
export function exampleFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "vram-calc-readme-"));
  if (havePublished) {
    mkdirSync(join(path, "Qwen3-32B"));
    copyFileSync(published, join(path, "Qwen3-32B/config.json"));
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** What the command prints in that folder: stdout, stderr and, where asked for, the exit code. */
export async function runExample({ command }: Example, folder: string): Promise<string> {
  const [line, ending] = command.split(/\s*;\s*/);
  const placed = line!.replace(/^(npx )?vram-calc ?/, "").replaceAll("Qwen3-32B/", `${folder}/Qwen3-32B/`);
  const { stdout, stderr, code } = await invoke(placed);
  return `${stdout}${stderr}${ending === undefined ? "" : `${code}\n`}`.trimEnd();
}
