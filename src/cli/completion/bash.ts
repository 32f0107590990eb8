import { type DefinedCommand, type DefinedCommands, usedSets, type Value } from "./definitions.ts";
import { JOINED, wordsOf } from "./word-sets.ts";

/**
 * A completion script for bash 3.2 and newer: `source <(vram-calc completion bash)`. It calls nothing but bash's
 * own builtins, so completing costs no start of node.
 */
export function bashCompletion(commands: DefinedCommands): string {
  const [root, ...others] = commands;
  const names = others.map((command) => command.name);
  const lines = [
    "# bash completion for vram-calc",
    ...usedSets(commands).map((set) => `_vram_calc_${set}="${wordsOf(set).join(" ")}"`),
    "",
    "_vram_calc() {",
    '  local cur prev command words files=0 joined="" lead="" cut="" typed line i',
    `  typed="\${COMP_WORDS[COMP_CWORD]}"`,
    '  cur="$typed"',
    `  prev="\${COMP_WORDS[COMP_CWORD-1]}"`,
    "  # Bash splits words at signs such as = and @ as well; what was typed stands in the line.",
    `  if [[ -n "\${COMP_LINE-}" ]]; then`,
    `    line="\${COMP_LINE:0:\${COMP_POINT:-\${#COMP_LINE}}}"`,
    `    cur="\${line##*[[:space:]]}"`,
    `    line="\${line%"$cur"}"; line="\${line%"\${line##*[![:space:]]}"}"`,
    `    prev="\${line##*[[:space:]]}"`,
    `    if [[ $cur == --*=* ]]; then prev="\${cur%%=*}"; cur="\${cur#*=}"; fi`,
    `    case "$typed" in "="|"@"|":") typed="" ;; esac`,
    `    cut="\${cur%"$typed"}"`,
    `  elif [[ $cur == "=" ]]; then cur=""`,
    `  elif [[ $prev == "=" ]]; then prev="\${COMP_WORDS[COMP_CWORD-2]}"; fi`,
    '  command=""',
    `  if (( COMP_CWORD > 1 )); then case "\${COMP_WORDS[1]}" in`,
    `    ${names.join("|")}) command="\${COMP_WORDS[1]}" ;;`,
    "  esac; fi",
    '  words=""',
    '  case "$command:$prev" in',
    ...commands.flatMap(valueCases),
    ...commands.flatMap(({ name, after }) =>
      Object.entries(after).map(
        ([word, value]) => `    ${name}:${word}) words="${wordsText(value, "")}"${filesText(value)} ;;`,
      ),
    ),
    '    *) case "$command:$cur" in',
    ...commands.map(
      (command) =>
        `      ${command.name}:-*) words="${command.options.flatMap((o) => o.flags).join(" ")}" ;;`,
    ),
    `      :*) words="${names.join(" ")}${wordsText(root.argument, " ")}"${filesText(root.argument)} ;;`,
    ...others.map(
      ({ name, argument }) => `      ${name}:*) words="${wordsText(argument, "")}"${filesText(argument)} ;;`,
    ),
    "    esac ;;",
    "  esac",
    "  # Of values that are joined the last one is completed.",
    '  case "$joined" in',
    `    count) line='^(.*[,+])?([0-9]+[xX])?'; [[ $cur =~ $line ]] && lead="\${BASH_REMATCH[0]}" ;;`,
    `    ?) if [[ $cur == *"$joined"* ]]; then lead="\${cur%"$joined"*}$joined"; fi ;;`,
    "  esac",
    "  COMPREPLY=()",
    `  while IFS= read -r i; do i="$lead$i"; COMPREPLY+=("\${i#"$cut"}"); done < <(compgen -W "$words" -- "\${cur#"$lead"}"; (( files )) && compgen -f -- "$cur")`,
    `  if [[ "\${COMPREPLY[0]-}" == *= ]]; then compopt -o nospace 2>/dev/null; fi`,
    "}",
    "complete -o bashdefault -o filenames -F _vram_calc vram-calc 2>/dev/null || complete -F _vram_calc vram-calc",
    "",
  ];
  return lines.join("\n");
}

/** A line per group of flags that take a value. */
function valueCases(command: DefinedCommand): string[] {
  return command.options.flatMap(({ flags, value }) =>
    value === undefined
      ? []
      : [
          `    ${flags.map((flag) => `${command.name}:${flag}`).join("|")}) words="${wordsText(value, "")}"${filesText(value)}${joinedText(value)} ;;`,
        ],
  );
}

function wordsText(value: Value, before: string): string {
  if (value.choices !== undefined) return before + value.choices.join(" ");
  return value.words === undefined ? "" : `${before}$_vram_calc_${value.words}`;
}

const filesText = (value: Value): string => (value.files === true ? "; files=1" : "");

function joinedText({ words }: Value): string {
  const joined = words === undefined ? undefined : JOINED[words];
  return joined === undefined ? "" : `; joined="${joined}"`;
}
