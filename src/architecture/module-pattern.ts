/**
 * Regular expressions of a config file, matched in bounded time. A file may hold any pattern, and the
 * built-in engine can take exponential time on one; this one visits each (instruction, position) once.
 *
 * Read: literals, `.`, classes, escapes \d \w \s and their negations, groups, `|`, `?`, `*`, `+`, `{m,n}`,
 * lazy forms, `^`, `$`, \b, and look-ahead. Not read: back references and look-behind.
 */
import { emit, type Instruction, type MatchBudget, run } from "./pattern-program.ts";
import { parse } from "./pattern-syntax.ts";

/** True when the pattern matches from the start of the text on, as Python's re.match does. */
export type Matcher = (text: string, budget: MatchBudget) => boolean;

const LONGEST_PATTERN = 1000;
const LONGEST_TEXT = 500;

/** Null for a pattern that is not read. */
export function compilePattern(source: string): Matcher | null {
  if (source.length > LONGEST_PATTERN) return null;
  const simple = /^\.\*((?:[\w-]|\\\.)+)(\.\*\$?|\$)?$/.exec(source);
  if (simple !== null) {
    const literal = simple[1]!.replaceAll("\\.", ".");
    return simple[2] === "$" ? (text) => text.endsWith(literal) : (text) => text.includes(literal);
  }
  const tree = parse(source);
  if (tree === null) return null;
  const program: Instruction[] = [];
  if (!emit(tree, program, { steps: 0, looks: 0 })) return null;
  program.push({ op: "match" });
  return (text, budget) => run(program, text.slice(0, LONGEST_TEXT), 0, budget);
}
