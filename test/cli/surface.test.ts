/** The commands and flags, frozen: growth is a decision that someone makes in a diff. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/commands/index.ts";
import type { Io } from "../../src/cli/io.ts";
import { createProgram } from "../../src/cli/program.ts";
import { invoke } from "./invoke.ts";

const io: Io = {
  stdout: () => {},
  stderr: () => {},
  readerLeft: false,
  readStdin: async () => "",
  stdinChunks: async function* () {},
  env: {},
  cwd: "/",
  columns: 100,
  stdoutIsTerminal: false,
  stderrIsTerminal: false,
};

function surfaceOf(command: Command, path: string): string[] {
  const words = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  return [
    [path, ...words].join(" "),
    ...command.options.map((option) => `  ${option.flags}`),
    ...command.commands.flatMap((child) => surfaceOf(child, `${path} ${child.name()}`)),
  ];
}

const program = await createProgram({ session: { io, exit: () => {} }, complain: () => {} });

describe("the command line", () => {
  test("has the commands and flags of test/golden/cli-surface.txt", async () => {
    await expect(`${surfaceOf(program, "vram-calc").join("\n")}\n`).toMatchFileSnapshot(
      "../golden/cli-surface.txt",
    );
  });

  test("names every command in the README", () => {
    const readme = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");
    for (const { name } of COMMANDS) expect(readme).toContain(`vram-calc ${name}`);
  });

  test("no command gives one flag two meanings", () => {
    const visit = (command: Command): void => {
      const flags = command.options
        .flatMap((option) => [option.short, option.long])
        .filter((flag) => flag !== undefined && flag !== null);
      expect(new Set(flags).size).toBe(flags.length);
      command.commands.forEach(visit);
    };
    visit(program);
  });

  test.for(COMMANDS.flatMap((entry) => entry.examples.map((example) => [example] as const)))(
    "the example of its help runs: %s",
    async ([example]) => {
      const run = await invoke(example.replace(/^vram-calc /, ""), {
        cwd: fileURLToPath(new URL("../fixtures/check", import.meta.url)),
        stdin: '{"model":"14B","dtype":"fp16"}\n',
      });
      expect(run.stderr).toBe("");
      expect([0, 1]).toContain(run.code);
      expect(run.stdout.length).toBeGreaterThan(20);
    },
  );

  test.for([["--help"], ["help"], ["train --help"], ["help formats"]])(
    "%s prints help with examples and exit codes, exit 0",
    async ([line]) => {
      const run = await invoke(line!);
      expect(run.code).toBe(0);
      expect(run.stdout).toMatch(/^Usage: vram-calc/);
      expect(run.stdout).toContain("Examples:");
      expect(run.stdout).toContain("Exit codes: 0 fits");
    },
  );

  test.for(["14B --help", "--dtype fp16 14B -h", "14B -b 2 -h"])(
    "%s is the help, whatever stands before it",
    async (line) => {
      expect((await invoke(line)).stdout).toBe((await invoke("--help")).stdout);
    },
  );

  test("a flag before a command is refused, because it would be dropped", async () => {
    expect(await invoke("--json gpus h100")).toEqual({
      code: 2,
      stdout: "",
      stderr:
        'vram-calc: --json got a place before "gpus", expected a place after it: vram-calc gpus ... --json.\n',
    });
  });
});
