/**
 * Regular expressions of a config file, matched in bounded time. A file may hold any pattern, and the
 * built-in engine can take exponential time on one; this one visits each (instruction, position) once.
 *
 * Read: literals, `.`, classes, escapes \d \w \s and their negations, groups, `|`, `?`, `*`, `+`, `{m,n}`,
 * lazy forms, `^`, `$`, \b, and look-ahead. Not read: back references and look-behind.
 */

/** Work that may still be done, in visited states; below zero nothing matches any more. */
export interface MatchBudget {
  steps: number;
}

/** True when the pattern matches from the start of the text on, as Python's re.match does. */
export type Matcher = (text: string, budget: MatchBudget) => boolean;

type Test = (char: string) => boolean;

type Node =
  | { readonly kind: "char"; readonly test: Test }
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "edge"; readonly inside: boolean }
  | { readonly kind: "look"; readonly negative: boolean; readonly body: Node }
  | { readonly kind: "all"; readonly parts: readonly Node[] }
  | { readonly kind: "any"; readonly options: readonly Node[] }
  | { readonly kind: "repeat"; readonly body: Node; readonly min: number; readonly max: number };

const LONGEST_PATTERN = 1000;
const LONGEST_TEXT = 500;
const MOST_INSTRUCTIONS = 5000;

const SETS: { readonly [letter: string]: Test } = {
  d: (c) => c >= "0" && c <= "9",
  w: (c) => /^\w$/.test(c),
  s: (c) => /^\s$/.test(c),
};

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

function parse(source: string): Node | null {
  let at = 0;
  let depth = 0;
  let broken = false;
  const fail = (): Node => {
    broken = true;
    return { kind: "all", parts: [] };
  };
  const alternatives = (): Node => {
    if (++depth > 50) return fail();
    const options = [sequence()];
    while (source[at] === "|" && !broken) {
      at++;
      options.push(sequence());
    }
    depth--;
    return options.length === 1 ? options[0]! : { kind: "any", options };
  };
  const sequence = (): Node => {
    const parts: Node[] = [];
    while (at < source.length && source[at] !== "|" && source[at] !== ")" && !broken) {
      parts.push(quantified(atom()));
    }
    return { kind: "all", parts };
  };
  const quantified = (body: Node): Node => {
    const rest = /^(?:([*+?])|\{(\d{0,3})(,?)(\d{0,3})\})\??/.exec(source.slice(at, at + 12));
    if (rest === null || (rest[1] === undefined && rest[2] === "" && rest[4] === "")) return body;
    at += rest[0].length;
    const many = Number.POSITIVE_INFINITY;
    if (rest[1] === "*") return { kind: "repeat", body, min: 0, max: many };
    if (rest[1] === "+") return { kind: "repeat", body, min: 1, max: many };
    if (rest[1] === "?") return { kind: "repeat", body, min: 0, max: 1 };
    const min = rest[2] === "" ? 0 : Number(rest[2]);
    const max = rest[3] === "" ? min : rest[4] === "" ? many : Number(rest[4]);
    return max < min ? fail() : { kind: "repeat", body, min, max };
  };
  const atom = (): Node => {
    const char = source[at++]!;
    switch (char) {
      case ".":
        return { kind: "char", test: () => true };
      case "^":
        return { kind: "start" };
      case "$":
        return { kind: "end" };
      case "(":
        return group();
      case "[":
        return bracket();
      case "\\":
        return escapeAtom();
      case "*":
      case "+":
      case "?":
        return fail();
      default:
        return { kind: "char", test: (c) => c === char };
    }
  };
  const group = (): Node => {
    const head = /^\?(?::|=|!|P<\w+>|<\w+>)/.exec(source.slice(at, at + 40))?.[0];
    if (head === undefined && source[at] === "?") return fail();
    at += head?.length ?? 0;
    const body = alternatives();
    if (source[at++] !== ")") return fail();
    if (head === "?=" || head === "?!") return { kind: "look", negative: head === "?!", body };
    return body;
  };
  const escapeAtom = (): Node => {
    const char = source[at++];
    if (char === undefined || /[1-9]/.test(char)) return fail();
    if (char === "b" || char === "B") return { kind: "edge", inside: char === "B" };
    return { kind: "char", test: escaped(char) };
  };
  const bracket = (): Node => {
    const tests: Test[] = [];
    const negative = source[at] === "^";
    if (negative) at++;
    for (let first = true; first || source[at] !== "]"; first = false) {
      const char = source[at++];
      if (char === undefined) return fail();
      if (char === "\\") {
        tests.push(escaped(source[at++] ?? ""));
      } else if (source[at] === "-" && source[at + 1] !== "]" && source[at + 1] !== undefined) {
        const last = source[at + 1]!;
        at += 2;
        tests.push((c) => c >= char && c <= last);
      } else {
        tests.push((c) => c === char);
      }
    }
    at++;
    return { kind: "char", test: (c) => tests.some((test) => test(c)) !== negative };
  };
  const tree = alternatives();
  return broken || at < source.length ? null : tree;
}

function escaped(char: string): Test {
  const lower = char.toLowerCase();
  if (!Object.hasOwn(SETS, lower)) return (c) => c === char;
  const test = SETS[lower]!;
  return char === lower ? test : (c) => !test(c);
}

type Instruction =
  | { readonly op: "char"; readonly test: Test }
  | { op: "split"; readonly to: number[] }
  | { readonly op: "start" }
  | { readonly op: "end" }
  | { readonly op: "edge"; readonly inside: boolean }
  | { readonly op: "look"; readonly negative: boolean; readonly program: readonly Instruction[] }
  | { readonly op: "match" };

/** Appends the node's code; false when it grows beyond bounds, or look-ahead stands in look-ahead. */
function emit(node: Node, out: Instruction[], budget: { steps: number; looks: number }): boolean {
  if (out.length > MOST_INSTRUCTIONS || ++budget.steps > 4 * MOST_INSTRUCTIONS) return false;
  switch (node.kind) {
    case "char":
      out.push({ op: "char", test: node.test });
      return true;
    case "start":
      out.push({ op: "start" });
      return true;
    case "end":
      out.push({ op: "end" });
      return true;
    case "edge":
      out.push({ op: "edge", inside: node.inside });
      return true;
    case "look": {
      const program: Instruction[] = [];
      if (++budget.looks > 1 || !emit(node.body, program, budget)) return false;
      budget.looks--;
      program.push({ op: "match" });
      out.push({ op: "look", negative: node.negative, program });
      return true;
    }
    case "all":
      return node.parts.every((part) => emit(part, out, budget));
    case "any": {
      const split: Instruction & { op: "split" } = { op: "split", to: [] };
      out.push(split);
      const exits: number[][] = [];
      for (const option of node.options) {
        split.to.push(out.length);
        if (!emit(option, out, budget)) return false;
        const exit: number[] = [];
        exits.push(exit);
        out.push({ op: "split", to: exit });
      }
      for (const exit of exits) exit.push(out.length);
      return true;
    }
    case "repeat": {
      for (let i = 0; i < node.min; i++) if (!emit(node.body, out, budget)) return false;
      if (node.max === Number.POSITIVE_INFINITY) {
        const loop = out.length;
        const to = [loop + 1];
        out.push({ op: "split", to });
        if (!emit(node.body, out, budget)) return false;
        out.push({ op: "split", to: [loop] });
        to.push(out.length);
        return true;
      }
      const skips: number[][] = [];
      for (let i = node.min; i < node.max; i++) {
        const to = [out.length + 1];
        skips.push(to);
        out.push({ op: "split", to });
        if (!emit(node.body, out, budget)) return false;
      }
      for (const skip of skips) skip.push(out.length);
      return true;
    }
  }
}

const isWord = (text: string, at: number): boolean => at >= 0 && at < text.length && SETS.w!(text[at]!);

function run(program: readonly Instruction[], text: string, from: number, budget: MatchBudget): boolean {
  // Clearing the table costs too.
  budget.steps -= (program.length * text.length) >> 4;
  if (budget.steps < 0) return false;
  const seen = new Uint8Array(program.length * (text.length + 1));
  const stack: number[] = [0, from];
  while (stack.length > 0 && --budget.steps >= 0) {
    const at = stack.pop()!;
    const pc = stack.pop()!;
    const key = pc * (text.length + 1) + at;
    if (seen[key] === 1) continue;
    seen[key] = 1;
    const step = program[pc]!;
    switch (step.op) {
      case "match":
        return true;
      case "char":
        if (at < text.length && step.test(text[at]!)) stack.push(pc + 1, at + 1);
        break;
      case "split":
        for (const target of step.to) stack.push(target, at);
        break;
      case "start":
        if (at === 0) stack.push(pc + 1, at);
        break;
      case "end":
        if (at === text.length) stack.push(pc + 1, at);
        break;
      case "edge":
        if ((isWord(text, at - 1) !== isWord(text, at)) !== step.inside) stack.push(pc + 1, at);
        break;
      case "look":
        if (run(step.program, text, at, budget) !== step.negative) stack.push(pc + 1, at);
        break;
    }
  }
  return false;
}
