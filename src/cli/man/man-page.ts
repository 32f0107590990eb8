/** The manual page vram-calc(1), from commander's own definitions. */
import type { Command, Option } from "commander";
import { COMMANDS } from "../commands/index.ts";
import { VERSION } from "../version.ts";

const EXIT_STATUS: readonly (readonly [code: string, meaning: string])[] = [
  ["0", "it fits, or the question was answered"],
  ["1", "over budget, and nothing else"],
  ["2", "a request that cannot be read, or a model that cannot be sized"],
  ["3", "a source that could not be reached"],
  ["70", "a bug in vram-calc"],
];

const FILES: readonly (readonly [name: string, meaning: string])[] = [
  [
    "vram-budget.json, .jsonc, .yaml, .yml",
    "what vram-calc check reads, found upwards from the working directory",
  ],
  ["package.json", 'the same under its key "vramBudget"'],
];

/** The page as roff with the man macros. */
export function manPage(program: Command): string {
  const lines = [
    `.TH VRAM\\-CALC 1 "" "vram\\-calc ${roff(VERSION)}" "User Commands"`,
    ".SH NAME",
    `vram\\-calc \\- ${roff(lowerFirst(program.description()).replace(/\.$/, ""))}`,
    ".SH SYNOPSIS",
    ".nf",
    `\\fBvram\\-calc\\fR ${roff(program.usage())}`,
    ...program.commands.map((command) => synopsis(command)),
    ".fi",
    ".SH DESCRIPTION",
    roff(
      "Says how much GPU memory a model needs, term by term. A model is a parameter count (14B), a name of the built-in catalogue, a path, a hub id or - for a config.json on standard input.",
    ),
    ".SH OPTIONS",
    ...optionLines(program),
    ...program.commands.flatMap(commandLines),
    ".SH EXIT STATUS",
    ...EXIT_STATUS.flatMap(([code, meaning]) => [".TP", `.B ${code}`, roff(meaning)]),
    ".SH FILES",
    ...FILES.flatMap(([name, meaning]) => [".TP", `.I ${roff(name)}`, roff(meaning)]),
    "",
  ];
  return lines.join("\n");
}

const synopsis = (command: Command): string =>
  `\\fBvram\\-calc ${roff(command.name())}\\fR ${roff(command.usage())}`.trimEnd();

function commandLines(command: Command): string[] {
  const examples = COMMANDS.find((entry) => entry.name === command.name())?.examples ?? [];
  const described = command.registeredArguments.flatMap((argument) =>
    argument.description === "" ? [] : [".TP", `.I ${roff(argument.name())}`, roff(argument.description)],
  );
  return [
    `.SH ${roff(command.name().toUpperCase())}`,
    roff(`vram-calc ${command.name()}: ${command.description()}.`),
    ...described,
    ...optionLines(command),
    ...(examples.length === 0
      ? []
      : [".PP", "Examples:", ".PP", ".nf", ".RS 4", ...examples.map(roff), ".RE", ".fi"]),
  ];
}

function optionLines(command: Command): string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .flatMap((option) => [".TP", `.B ${roff(option.flags)}`, roff(descriptionOf(option))]);
}

function descriptionOf({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? "" : ` One of: ${argChoices.join(", ")}.`;
  const fallback =
    typeof defaultValue === "string" && !description.includes("default:") ? ` Default: ${defaultValue}.` : "";
  return `${description}${choices === "" && fallback === "" ? "" : "."}${choices}${fallback}`;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** Text that roff prints as it is: no escape, no request at the start of a line, ASCII hyphens. */
export const roff = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/\\/g, "\\e")
    .replace(/-/g, "\\-")
    .replace(/^([.'])/, "\\&$1");
