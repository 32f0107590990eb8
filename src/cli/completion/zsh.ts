import {
  type DefinedCommand,
  type DefinedCommands,
  type DefinedOption,
  usedSets,
  type Value,
} from "./definitions.ts";
import { JOINED, type WordSet, wordsOf } from "./word-sets.ts";

/**
 * A completion script for zsh: `source <(vram-calc completion zsh)` after `compinit`, or as a file `_vram-calc`
 * in a directory of `$fpath`.
 */
export function zshCompletion(commands: DefinedCommands): string {
  const [root, ...others] = commands;
  const lines = [
    "#compdef vram-calc",
    ...usedSets(commands).flatMap((set) => [
      `_vram_calc_${set}() {`,
      `  local -a words=(${wordsOf(set).join(" ")})`,
      ...joinedLines(set),
      `  compadd "$@"${wordsOf(set).some((word) => word.endsWith("=")) ? " -S ''" : ""} -a words`,
      "}",
    ]),
    "_vram_calc_commands() {",
    "  local -a commands=(",
    ...others.map(({ name, description }) => `    ${quoted(`${name}:${escaped(description, ":")}`)}`),
    "  )",
    "  _describe -t commands command commands",
    "}",
    ...commands.flatMap(mixedArguments),
    "_vram_calc() {",
    '  local curcontext="$curcontext"',
    '  if (( CURRENT > 2 )); then case "$words[2]" in',
    ...others.flatMap((command) => [
      `    ${command.name})`,
      "      shift words; (( CURRENT-- ))",
      ...argumentsCall(command, "      "),
      "      return ;;",
    ]),
    "  esac; fi",
    ...argumentsCall(root, "  "),
    "}",
    "# Sourced, it registers itself; loaded from $fpath, it completes at once.",
    'if [ "$funcstack[1]" = "_vram-calc" ]; then _vram_calc "$@"; else compdef _vram_calc vram-calc; fi',
    "",
  ];
  return lines.join("\n");
}

/** Of values that are joined the last one is completed. */
function joinedLines(set: WordSet): string[] {
  const joined = JOINED[set];
  if (joined === undefined) return [];
  return joined === "count"
    ? ["  compset -P '*[,+]'", "  compset -P '<->[xX]'"]
    : [`  compset -P '*${joined}'`];
}

/** Arguments of more than one kind, the default command's first word among them, complete through a function. */
function mixedArguments({ name, argument, after }: DefinedCommand): string[] {
  if (name !== "" && !(argument.words !== undefined && argument.files === true)) return [];
  return [
    `${argumentFunction(name)}() {`,
    ...(name === "" ? ["  (( CURRENT == 2 )) && _vram_calc_commands"] : []),
    ...Object.entries(after).flatMap(([word, value]) =>
      value.words === undefined
        ? []
        : [`  if (( \${words[(I)${word}]} )); then _vram_calc_${value.words}; _files; return; fi`],
    ),
    ...(argument.words === undefined ? [] : [`  _vram_calc_${argument.words}`]),
    ...(argument.files === true ? ["  _files"] : []),
    "}",
  ];
}

const argumentFunction = (name: string): string => `_vram_calc_argument_${name === "" ? "default" : name}`;

function argumentsCall(command: DefinedCommand, indent: string): string[] {
  const specs = command.options.flatMap(optionSpecs).map(quoted);
  const action =
    command.name === "" || (command.argument.words !== undefined && command.argument.files === true)
      ? argumentFunction(command.name)
      : actionOf(command.argument);
  return [
    `${indent}_arguments -s -S \\`,
    ...specs.map((spec) => `${indent}  ${spec} \\`),
    `${indent}  ${quoted(`*:argument:${action}`)}`,
  ];
}

function optionSpecs({ flags, description, value }: DefinedOption): string[] {
  const exclusive = flags.length > 1 ? `(${flags.join(" ")})` : "";
  const text = `[${escaped(description, "[]")}]`;
  return flags.map((flag) => {
    if (value === undefined) return `${exclusive}${flag}${text}`;
    const joined = flag.startsWith("--") ? "=" : "+";
    return `${exclusive}${flag}${joined}${text}:value:${actionOf(value)}`;
  });
}

function actionOf(value: Value): string {
  if (value.choices !== undefined) return `(${value.choices.join(" ")})`;
  if (value.words !== undefined) return `_vram_calc_${value.words}`;
  return value.files === true ? "_files" : " ";
}

const escaped = (text: string, special: string): string =>
  text.replace(/[\\:[\]]/g, (c) => (c === "\\" || special.includes(c) || c === ":" ? `\\${c}` : c));
const quoted = (text: string): string => `'${text.replace(/'/g, "'\\''")}'`;
