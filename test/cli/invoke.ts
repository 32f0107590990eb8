import type { Io } from "../../src/cli/io.ts";
import { main } from "../../src/cli/main.ts";

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Splits a command line the way a shell would, as far as tests need: spaces and double quotes. */
export function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!);
}

/** Runs one invocation in this process and returns what it printed and its exit code. */
export async function invoke(
  args: string | readonly string[],
  overrides: Partial<Io> & { readonly stdin?: string } = {},
): Promise<Run> {
  let stdout = "";
  let stderr = "";
  const code = await main(typeof args === "string" ? words(args) : args, {
    stdout: (text) => {
      stdout += text;
    },
    stderr: (text) => {
      stderr += text;
    },
    readerLeft: false,
    readStdin: async () => overrides.stdin ?? "",
    stdinChunks: async function* () {
      yield overrides.stdin ?? "";
    },
    env: {},
    cwd: process.cwd(),
    columns: 100,
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    ...overrides,
  });
  return { code, stdout, stderr };
}
