/** The command line as completion and the manual need it, read from commander's own definitions. */
import type { Argument, Command, Option } from "commander";
import { ARGUMENT_VALUES, OPTION_VALUES, VALUES_AFTER, type ValueSource } from "./word-sets.ts";

export type Value = ValueSource;

export interface DefinedOption {
  /** "-d" and "--dtype". */
  readonly flags: readonly string[];
  readonly description: string;
  /** Absent for a switch. */
  readonly value?: Value;
}

export interface DefinedCommand {
  /** Empty for the default command. */
  readonly name: string;
  readonly description: string;
  readonly options: readonly DefinedOption[];
  readonly argument: Value;
  /** What follows a word among the arguments. */
  readonly after: Readonly<Record<string, Value>>;
}

/** The default command first, then the others in the order of the help. */
export type DefinedCommands = readonly [root: DefinedCommand, ...others: DefinedCommand[]];

/** All commands of the program, and `help`. */
export function definedCommands(program: Command): DefinedCommands {
  const names = program.commands.map((command) => command.name());
  const help: DefinedCommand = {
    name: "help",
    description: "help for a command",
    options: [],
    argument: { choices: names },
    after: {},
  };
  return [define(program, ""), ...program.commands.map((command) => define(command, command.name())), help];
}

function define(command: Command, name: string): DefinedCommand {
  const argument = command.registeredArguments[0];
  return {
    name,
    description: command.description(),
    options: command.createHelp().visibleOptions(command).map(defineOption),
    argument: argument === undefined ? {} : argumentValue(argument),
    after: argument === undefined ? {} : (VALUES_AFTER[argument.name()] ?? {}),
  };
}

function defineOption(option: Option): DefinedOption {
  const flags = [option.short, option.long].filter((flag) => typeof flag === "string");
  const { description } = option;
  if (!option.required && !option.optional) return { flags, description };
  const choices = option.argChoices;
  return {
    flags,
    description,
    value: choices === undefined ? (OPTION_VALUES[option.name()] ?? {}) : { choices },
  };
}

function argumentValue(argument: Argument): Value {
  const choices = argument.argChoices;
  return choices === undefined ? (ARGUMENT_VALUES[argument.name()] ?? {}) : { choices };
}

/** The word sets that some option or argument uses. */
export function usedSets(commands: readonly DefinedCommand[]): readonly NonNullable<Value["words"]>[] {
  const values = commands.flatMap((command) => [
    command.argument,
    ...Object.values(command.after),
    ...command.options.map((o) => o.value),
  ]);
  return [...new Set(values.flatMap((value) => (value?.words === undefined ? [] : [value.words])))].sort();
}
