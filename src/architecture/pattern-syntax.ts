/** The syntax of the regular expressions that config files hold, as a tree. */

/** Whether one character matches. */
export type Test = (char: string) => boolean;

/** A part of a pattern. */
export type Node =
  | { readonly kind: "char"; readonly test: Test }
  | { readonly kind: "start" }
  | { readonly kind: "end" }
  | { readonly kind: "edge"; readonly inside: boolean }
  | { readonly kind: "look"; readonly negative: boolean; readonly body: Node }
  | { readonly kind: "all"; readonly parts: readonly Node[] }
  | { readonly kind: "any"; readonly options: readonly Node[] }
  | { readonly kind: "repeat"; readonly body: Node; readonly min: number; readonly max: number };

/** The escapes that stand for sets of characters. */
export const SETS: { readonly [letter: string]: Test } = {
  d: (c) => c >= "0" && c <= "9",
  w: (c) => /^\w$/.test(c),
  s: (c) => /^\s$/.test(c),
};

/** The tree of a pattern; null for one that is not read. */
export function parse(source: string): Node | null {
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
