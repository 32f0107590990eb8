import {
  type DefinedCommand,
  type DefinedCommands,
  type DefinedOption,
  usedSets,
  type Value,
} from "./definitions.ts";
import { JOINED, type WordSet, wordsOf } from "./word-sets.ts";

/** A completion script for fish: `vram-calc completion fish | source`. */
export function fishCompletion(commands: DefinedCommands): string {
  const [root, ...others] = commands;
  const names = others.map((command) => command.name).join(" ");
  // What every command has is said once.
  const shared = root.options.filter((option) =>
    commands.every(
      (command) => command.options.length === 0 || command.options.some((other) => isSame(option, other)),
    ),
  );
  const lines = [
    "# fish completion for vram-calc",
    ...usedSets(commands).flatMap((set) => [`function __vram_calc_${set}`, ...wordLines(set), "end"]),
    "function __vram_calc_command",
    "  set -l words (commandline -opc)",
    `  if set -q words[2]; and contains -- $words[2] ${names}`,
    "    echo $words[2]",
    "  end",
    "end",
    "function __vram_calc_first",
    "  test (count (commandline -opc)) -eq 1",
    "end",
    "complete -c vram-calc -f",
    ...others.map(
      ({ name, description }) =>
        `complete -c vram-calc -n __vram_calc_first -a ${name} -d ${quoted(description)}`,
    ),
    ...optionLines(shared, "complete -c vram-calc"),
    ...[root, ...others].flatMap((command) => completions(command, shared)),
    "",
  ];
  return lines.join("\n");
}

const isSame = (a: DefinedOption, b: DefinedOption): boolean =>
  a.flags.join() === b.flags.join() && a.description === b.description;

/** The words of a set; of values that are joined the last one is completed. */
function wordLines(set: WordSet): string[] {
  const words = wordsOf(set).join(" ");
  const joined = JOINED[set];
  if (joined === undefined) return [`  printf '%s\\n' ${words}`];
  const lead = joined === "count" ? "^(?:.*[,+])?(?:[0-9]+[xX])?" : `^(?:.*${joined})?`;
  return [
    "  set -l token (commandline -ct | string replace -r -- '^--[a-z-]+=' '')",
    `  set -l lead (string match -r -- '${lead}' "$token")`,
    "  set -q lead[1]; or set lead ''",
    `  set -l words ${words}`,
    "  printf '%s\\n' $lead$words",
  ];
}

function completions(
  { name, options, argument, after }: DefinedCommand,
  shared: readonly DefinedOption[],
): string[] {
  const here = `complete -c vram-calc -n '${name === "" ? 'test -z "$(__vram_calc_command)"' : `test "$(__vram_calc_command)" = ${name}`}'`;
  const lines = optionLines(
    options.filter((option) => !shared.some((one) => isSame(one, option))),
    here,
  );
  if (argument.files === true) lines.push(`${here} -F`);
  const words = wordsText(argument);
  if (words !== null) lines.push(`${here} -a ${words}`);
  for (const [word, value] of Object.entries(after))
    lines.push(
      `complete -c vram-calc -n 'test "$(__vram_calc_command)" = ${name}; and contains -- ${word} (commandline -opc)' -a ${wordsText(value)}`,
    );
  return lines;
}

function optionLines(options: readonly DefinedOption[], here: string): string[] {
  return options.map(({ flags, description, value }) => {
    const spelled = flags.map((flag) =>
      flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
    );
    const takes = value === undefined ? "" : ` -r${valueText(value)}`;
    return `${here} ${spelled.join(" ")}${takes} -d ${quoted(description)}`;
  });
}

function valueText(value: Value): string {
  const words = wordsText(value);
  return `${value.files === true ? " -F" : " -f"}${words === null ? "" : ` -a ${words}`}`;
}

function wordsText(value: Value): string | null {
  if (value.choices !== undefined) return quoted(value.choices.join(" "));
  return value.words === undefined ? null : `'(__vram_calc_${value.words})'`;
}

const quoted = (text: string): string => `'${text.replace(/[\\']/g, "\\$&")}'`;
