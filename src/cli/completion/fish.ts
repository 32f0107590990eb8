import { type DefinedCommand, usedSets, type Value } from "./definitions.ts";
import { wordsOf } from "./word-sets.ts";

/** A completion script for fish: `vram-calc completion fish | source`. */
export function fishCompletion(commands: readonly DefinedCommand[]): string {
  const [root, ...others] = commands;
  const names = others.map((command) => command.name).join(" ");
  const lines = [
    "# fish completion for vram-calc",
    ...usedSets(commands).flatMap((set) => [
      `function __vram_calc_${set}`,
      `  printf '%s\\n' ${wordsOf(set).join(" ")}`,
      "end",
    ]),
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
    ...[root!, ...others].flatMap(completions),
    "",
  ];
  return lines.join("\n");
}

function completions({ name, options, argument }: DefinedCommand): string[] {
  const here = `complete -c vram-calc -n '${name === "" ? 'test -z "$(__vram_calc_command)"' : `test "$(__vram_calc_command)" = ${name}`}'`;
  const lines = options.map(({ flags, description, value }) => {
    const spelled = flags.map((flag) =>
      flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
    );
    const takes = value === undefined ? "" : ` -r${valueText(value)}`;
    return `${here} ${spelled.join(" ")}${takes} -d ${quoted(description)}`;
  });
  if (argument.files === true) lines.push(`${here} -F`);
  const words = wordsText(argument);
  if (words !== null) lines.push(`${here} -a ${words}`);
  return lines;
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
