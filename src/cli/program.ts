import { Command, Help } from "commander";
import { VramCalcError } from "../errors.ts";
import { wrap } from "../report/text-layout.ts";
import { COMMANDS } from "./commands/index.ts";
import type { Session } from "./session.ts";
import { VERSION } from "./version.ts";

const EXAMPLES: readonly string[] = [
  "vram-calc 14B --dtype fp16",
  "vram-calc qwen2.5-14b --context 32k --gpu rtx-4090",
  "vram-calc ./model --engine vllm --gpu 2xh100",
  "vram-calc model.gguf --engine llama.cpp --kv-dtype q8_0 --explain",
];
const EXIT_CODES =
  "Exit codes: 0 fits or answered, 1 over budget, 2 bad request, 3 source not reached, 70 bug in vram-calc.";

export interface ProgramOptions {
  readonly session: Session;
  /**
   * Words of the command line: only commands they name are defined, because building every option of every
   * command costs more than the answer. Absent, or asking for help: all commands are.
   */
  readonly args?: readonly string[];
  /** Receives what commander complains about, in pieces. */
  readonly complain: (text: string) => void;
}

/** The command line as commander knows it: the one source of flags, help, completion and the manual. */
export async function createProgram({ session, args, complain }: ProgramOptions): Promise<Command> {
  const { io } = session;
  const program = new Command("vram-calc");
  program
    .exitOverride()
    .configureOutput({
      writeOut: io.stdout,
      writeErr: complain,
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ formatItem: helpItem, minWidthToWrap: 16 })
    .version(VERSION, "-V, --version", "print the version")
    .description("How much GPU memory a model needs, term by term.")
    .showSuggestionAfterError(true)
    .enablePositionalOptions()
    .helpCommand("help [command]", "help for a command")
    .addHelpText("after", () => examplesText(EXAMPLES, io.columns));
  const names = COMMANDS.map((entry) => entry.name);
  const startsWithCommand = args?.[0] !== undefined && names.includes(args[0]);
  const all = args === undefined || (!startsWithCommand && asksForHelp(args));
  if (!startsWithCommand) {
    const { defineEstimate } = await import("./commands/estimate.ts");
    defineEstimate(program, session, names);
    program.hook("preSubcommand", (_, command) => refuseFlagsBefore(command));
  }
  for (const entry of COMMANDS) {
    if (!all && !args.includes(entry.name)) continue;
    const command = program.command(entry.name).description(entry.summary);
    command.addHelpText("after", () => examplesText(entry.examples, io.columns));
    (await entry.load())(command, session);
  }
  return program;
}

/** May be wrong about a word that is a value: then more is defined than is needed. */
const asksForHelp = (args: readonly string[]): boolean =>
  args.length === 0 || args.some((word) => word === "help" || /^-(-help$|[^-]*h)/.test(word));

/** A flag before the command would be the default command's, and silently dropped. */
function refuseFlagsBefore(command: Command): void {
  const given = command.parent?.options.find(
    (option) => command.parent?.getOptionValueSource(option.attributeName()) === "cli",
  );
  if (given?.long == null) return;
  throw new VramCalcError("bad-option", {
    option: given.long,
    given: `a place before "${command.name()}"`,
    expected: `a place after it: vram-calc ${command.name()} ... ${given.long}`,
  });
}

/** Below this width there is no room for two columns of help. */
const TWO_COLUMNS = 70;
const INDENT = "      ";

/** One line of the help: a description below its flag where the terminal is narrow. */
function helpItem(this: Help, term: string, termWidth: number, description: string, helper: Help): string {
  const width = helper.helpWidth ?? 80;
  if (width >= TWO_COLUMNS || description === "")
    return Help.prototype.formatItem.call(this, term, termWidth, description, helper);
  const text = helper.boxWrap(description, width - INDENT.length).replace(/^/gm, INDENT);
  return `  ${term}\n${text}`;
}

function examplesText(examples: readonly string[], columns: number): string {
  return `\nExamples:\n${examples.map((line) => `  $ ${line}`).join("\n")}\n\n${wrap(EXIT_CODES, columns)}`;
}
