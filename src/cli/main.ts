import { Command, CommanderError } from "commander";
import { EXIT, type ExitCode, VramCalcError } from "../errors.ts";
import { defineEstimate } from "./commands/estimate.ts";
import { COMMANDS } from "./commands/index.ts";
import type { Io } from "./io.ts";
import type { Session } from "./session.ts";
import { VERSION } from "./version.ts";

/** Runs one invocation and returns its exit code. Never throws, never calls `process.exit`. */
export async function main(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  let spoken = "";
  try {
    const program = new Command("vram-calc");
    // Commander writes its complaint in pieces; it is kept and printed once, as one sentence.
    program
      .exitOverride()
      .configureOutput({
        writeOut: io.stdout,
        writeErr: (text) => {
          spoken += text;
        },
        getOutHelpWidth: () => io.columns,
        getErrHelpWidth: () => io.columns,
        getOutHasColors: () => false,
        getErrHasColors: () => false,
      })
      .version(VERSION, "-V, --version", "print the version")
      .description("How much GPU memory a model needs, term by term.")
      .showSuggestionAfterError(true)
      .enablePositionalOptions();
    const session: Session = {
      io,
      exit: (next) => {
        code = next;
      },
    };
    // Only the command that was typed is defined in full: building every option of every command costs more
    // than the answer. Help, and flags before the command, need them all.
    const names = COMMANDS.map((entry) => entry.name);
    const wanted = names.includes(args[0] ?? "") ? args[0] : undefined;
    const all = args[0] === undefined || args[0] === "help" || args[0].startsWith("-");
    if (wanted === undefined) defineEstimate(program, session, names);
    for (const entry of COMMANDS) {
      const command = program.command(entry.name).description(entry.summary);
      if (all || entry.name === wanted) (await entry.load())(command, session);
    }
    await program.parseAsync([...args], { from: "user" });
    return code;
  } catch (error) {
    return explain(error, { args, io, spoken });
  }
}

function explain(
  error: unknown,
  { args, io, spoken }: { readonly args: readonly string[]; readonly io: Io; readonly spoken: string },
): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    if (error.code === "commander.help") {
      io.stderr(spoken);
      return EXIT.badRequest;
    }
    if (error.code === "commander.unknownOption" && /^-[\d.]/.test(args[0] ?? "")) {
      io.stderr(`vram-calc: cannot read "${args[0]}" as a parameter count: a count is not negative.\n`);
      return EXIT.badRequest;
    }
    const text = (spoken || error.message)
      .trim()
      .replace(/^error: /, "")
      .replace(/\s*\n\s*/g, " ");
    io.stderr(`vram-calc: ${text}\n`);
    return EXIT.badRequest;
  }
  if (error instanceof VramCalcError) {
    io.stderr(`vram-calc: ${error.message}\n`);
    return error.exitCode;
  }
  const what = error instanceof Error ? error.message : String(error);
  io.stderr(
    `vram-calc: this is a bug, please report it with the command you typed: ${what.replace(/\s+/g, " ")}\n`,
  );
  if (io.env.VRAM_CALC_DEBUG !== undefined && error instanceof Error) io.stderr(`${error.stack}\n`);
  return EXIT.bug;
}
