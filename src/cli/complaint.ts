/** What is said, and how the run ends, when one throws; loaded only then, because most runs do not. */
import { CommanderError } from "commander";
import { catalogueNames } from "../architecture/catalogue-names.ts";
import { EXIT, type ExitCode, nearestNames, VramCalcError } from "../errors.ts";
import { COMMANDS } from "./commands/index.ts";
import { hereFor, spokenMessage } from "./engine-settings.ts";
import type { Io } from "./io.ts";

interface Run {
  readonly args: readonly string[];
  readonly io: Io;
  /** What commander said. */
  readonly spoken: string;
}

/** Prints the error as one sentence and returns the exit code. */
export function explain(error: unknown, run: Run): ExitCode {
  const { io } = run;
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    // A help text is asked for in vain, and is said as it is.
    const misread = misreading(error, run.args);
    if (error.code === "commander.help" && misread === undefined) io.stderr(run.spoken);
    else io.stderr(`vram-calc: ${misread ?? oneLine(run.spoken || error.message)}\n`);
    return EXIT.badRequest;
  }
  if (error instanceof VramCalcError) {
    io.stderr(`vram-calc: ${spokenMessage(error)}\n`);
    return error.exitCode;
  }
  const what = error instanceof Error ? error.message : String(error);
  io.stderr(
    `vram-calc: this is a bug, please report it with the command you typed: ${what.replace(/\s+/g, " ")}\n`,
  );
  if (io.env.VRAM_CALC_DEBUG !== undefined && error instanceof Error) io.stderr(`${error.stack}\n`);
  return EXIT.bug;
}

const oneLine = (text: string): string =>
  text
    .trim()
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ");

/** A better sentence than commander's, for what it could not know. */
function misreading(error: CommanderError, args: readonly string[]): string | undefined {
  const [first, second] = args;
  if (error.code === "commander.help" && first === "help" && second !== undefined)
    return unknownCommand(second);
  if (error.code === "commander.unknownOption" && /^-[\d.]/.test(first ?? ""))
    return `cannot read "${first}" as a parameter count: a count is not negative.`;
  const command = meantCommand(error, args);
  return command === undefined
    ? (oneModel(error, args) ?? foreignFlag(error, args))
    : `there is no command "${first}"; did you mean ${command}?`;
}

/** `help` of a command that does not exist. */
function unknownCommand(word: string): string {
  const names = COMMANDS.map(({ name }) => name);
  const near = nearestNames(word, names, 1)[0];
  const known = near === undefined ? `; there is ${names.join(", ")}.` : `; did you mean ${near}?`;
  return `there is no command "${word.slice(0, 60)}"${known}`;
}

/** Flags of `train` for what trainers and the main command call otherwise. */
const IN_TRAIN: ReadonlyMap<string, string> = new Map([
  ["context", "--seq"],
  ["max-seq-len", "--seq"],
  ["max-length", "--seq"],
  ["batch", "--micro-batch"],
  ["batch-size", "--micro-batch"],
  ["per-device-train-batch-size", "--micro-batch"],
  ["gradient-accumulation-steps", "--grad-accum"],
  ["dtype", "--precision"],
  ["bf", "--precision bf16"],
  ["gradient-checkpointing", "--checkpointing full"],
  ["activation-checkpointing", "--checkpointing full"],
  ["optim", "--optimizer"],
  ["lora", "--method lora --lora-r 16"],
  ["qlora", "--method qlora"],
  ["lora-rank", "--lora-r"],
  ["rank", "--lora-r"],
  ["r", "--lora-r"],
  ["bs", "--micro-batch"],
  ["zero", "--sharding zero3"],
  ["stage", "--sharding zero3"],
  ["hsdp", "--sharding fsdp2 --dp-replicate 2"],
  ["hybrid-shard", "--sharding fsdp2 --dp-replicate 2"],
  ["dp-replicate-size", "--dp-replicate"],
  ["data-parallel-replicate-degree", "--dp-replicate"],
  ["num-distributed-optimizer-instances", "--dp-replicate"],
]);

/** Flags of the main command for what `train` calls otherwise. */
const IN_SERVING: ReadonlyMap<string, string> = new Map([
  ["seq", "--context"],
  ["ctx", "--context"],
  ["ctx-len", "--context"],
  ["quant", "--dtype"],
  ["quantize", "--dtype"],
  ["bits", "--dtype"],
  ["batch-size", "--batch"],
  ["vram", "--budget"],
  ["memory", "--budget"],
  ["seq-len", "--context"],
  ["micro-batch", "--batch"],
  ["precision", "--dtype"],
  ["quantization", "--dtype"],
]);

/** What to type for a flag of an engine, of a trainer or of another command that was given here. */
function foreignFlag(error: CommanderError, args: readonly string[]): string | undefined {
  if (error.code !== "commander.unknownOption") return undefined;
  for (const [at, word] of args.entries()) {
    const flag = /^--?([a-z][a-z-]*)(?:=|$)/.exec(word);
    const value = word.includes("=") ? word.slice(word.indexOf("=") + 1) : args[at + 1];
    const ours = args[0] === "train" ? IN_TRAIN : IN_SERVING;
    const here = flag === null ? undefined : (ours.get(flag[1]!) ?? hereFor(flag[1]!, value));
    if (here !== undefined && error.message.includes(`'${flag![0].replace(/=$/, "")}`))
      return `unknown option '${flag![0].replace(/=$/, "")}': here it is ${here}.`;
  }
  return undefined;
}

/** Words beside the first where one model is asked for: parts of its name, another model, or a command there is not. */
function oneModel(error: CommanderError, args: readonly string[]): string | undefined {
  const [first = ""] = args;
  if (error.code !== "commander.excessArguments" || first.startsWith("-")) return undefined;
  if (COMMANDS.some(({ name }) => name === first)) return undefined;
  const end = args.findIndex((word) => word.startsWith("-"));
  const words = args.slice(0, end < 0 ? undefined : end);
  if (words.length < 2) return undefined;
  const joined = words.join("-").toLowerCase();
  const near = nearestNames(joined, catalogueNames(), 1)[0];
  const said = `too many arguments: ${words.length} words, expected one model`;
  return near === undefined ? `${said}; vram-calc compare takes several.` : `${said}; did you mean ${near}?`;
}

/** The command that a mistyped first word stands for, when what follows it makes no sense for a model. */
function meantCommand(error: CommanderError, args: readonly string[]): string | undefined {
  const [first] = args;
  const names = COMMANDS.map(({ name }) => name);
  if (!["commander.excessArguments", "commander.unknownOption"].includes(error.code)) return undefined;
  if (first === undefined || !/^[a-z]+$/.test(first) || names.includes(first)) return undefined;
  return nearestNames(first, names)[0];
}
