/** What is said, and how the run ends, when one throws; loaded only then, because most runs do not. */
import { CommanderError } from "commander";
import { EXIT, type ExitCode, nearestNames, VramCalcError } from "../errors.ts";
import { COMMANDS } from "./commands/index.ts";
import { hereFor, withFlagNames } from "./engine-settings.ts";
import type { Io } from "./io.ts";

/** Prints the error as one sentence and returns the exit code. */
export function explain(
  error: unknown,
  { args, io, spoken }: { readonly args: readonly string[]; readonly io: Io; readonly spoken: string },
): ExitCode {
  const names = COMMANDS.map(({ name }) => name);
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    if (error.code === "commander.help" && args[0] === "help" && args[1] !== undefined) {
      const near = nearestNames(args[1], names, 1)[0];
      const known = near === undefined ? `; there is ${names.join(", ")}.` : `; did you mean ${near}?`;
      io.stderr(`vram-calc: there is no command "${args[1].slice(0, 60)}"${known}\n`);
      return EXIT.badRequest;
    }
    if (error.code === "commander.help") {
      io.stderr(spoken);
      return EXIT.badRequest;
    }
    if (error.code === "commander.unknownOption" && /^-[\d.]/.test(args[0] ?? "")) {
      io.stderr(`vram-calc: cannot read "${args[0]}" as a parameter count: a count is not negative.\n`);
      return EXIT.badRequest;
    }
    const command = meantCommand(error, args);
    if (command !== undefined) {
      io.stderr(`vram-calc: there is no command "${args[0]}"; did you mean ${command}?\n`);
      return EXIT.badRequest;
    }
    const foreign = foreignFlag(error, args);
    if (foreign !== undefined) {
      io.stderr(`vram-calc: ${foreign}\n`);
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
    const ofEngine =
      error.code === "bad-option" && "option" in error.details && error.details.option === "--set";
    io.stderr(`vram-calc: ${ofEngine ? withFlagNames(error.message) : error.message}\n`);
    return error.exitCode;
  }
  const what = error instanceof Error ? error.message : String(error);
  io.stderr(
    `vram-calc: this is a bug, please report it with the command you typed: ${what.replace(/\s+/g, " ")}\n`,
  );
  if (io.env.VRAM_CALC_DEBUG !== undefined && error instanceof Error) io.stderr(`${error.stack}\n`);
  return EXIT.bug;
}

/** What to type for a flag of an engine that was given as one of ours. */
function foreignFlag(error: CommanderError, args: readonly string[]): string | undefined {
  if (error.code !== "commander.unknownOption") return undefined;
  for (const word of args) {
    const flag = /^--?([a-z][a-z-]*)(?:=|$)/.exec(word);
    const here = flag === null ? undefined : hereFor(flag[1]!);
    if (here !== undefined && error.message.includes(`'${flag![0].replace(/=$/, "")}`))
      return `unknown option '${flag![0].replace(/=$/, "")}': here it is ${here}.`;
  }
  return undefined;
}

/** The command that a mistyped first word stands for, when what follows it makes no sense for a model. */
function meantCommand(error: CommanderError, args: readonly string[]): string | undefined {
  const [first] = args;
  const names = COMMANDS.map(({ name }) => name);
  if (!["commander.excessArguments", "commander.unknownOption"].includes(error.code)) return undefined;
  if (first === undefined || !/^[a-z]+$/.test(first) || names.includes(first)) return undefined;
  return nearestNames(first, names)[0];
}
