/**
 * Does a printed formula by hand: numbers with their units, `+ - x /` and brackets; every word but a unit is a label.
 * Two numbers without an operator between them are no sum, and fail.
 */
const UNITS: ReadonlyMap<string, number> = new Map([
  ["KiB", 2 ** 10],
  ["MiB", 2 ** 20],
  ["GiB", 2 ** 30],
]);

const TOKEN =
  /\s*(?:([\d][\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])|([+\-/()])|(x)(?!\w)|([A-Za-z_][\w+'-]*))/y;

type Token =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "operator"; readonly sign: string }
  | { readonly kind: "unit"; readonly scale: number };

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`"${text.slice(at)}" in "${text}" is no part of a sum`);
    const [, number, sign, times, word] = match;
    if (number !== undefined) tokens.push({ kind: "number", value: Number(number.replaceAll(",", "")) });
    else if (sign !== undefined) tokens.push({ kind: "operator", sign });
    else if (times !== undefined) tokens.push({ kind: "operator", sign: "x" });
    else if (UNITS.has(word!)) tokens.push({ kind: "unit", scale: UNITS.get(word!)! });
  }
  return tokens;
}

/** @example formulaValue("2 sequences x (4,096 tokens x 32 layers + 1.5 KiB of scales)") // 265,216 */
export function formulaValue(text: string): number {
  const tokens = tokensOf(text);
  let at = 0;
  const sign = (): string | undefined => {
    const token = tokens[at];
    return token?.kind === "operator" ? token.sign : undefined;
  };
  const factor = (): number => {
    const token = tokens[at++];
    if (token === undefined) throw new Error(`"${text}" ends too early`);
    let value: number;
    if (token.kind === "number") value = token.value;
    else if (token.kind === "operator" && token.sign === "(") {
      value = sum();
      if (sign() !== ")") throw new Error(`"${text}" lacks a bracket`);
      at++;
    } else throw new Error(`"${text}" has no number where one belongs`);
    const unit = tokens[at];
    if (unit?.kind !== "unit") return value;
    at++;
    return value * unit.scale;
  };
  const product = (): number => {
    let value = factor();
    for (let next = sign(); next === "x" || next === "/"; next = sign()) {
      at++;
      value = next === "x" ? value * factor() : value / factor();
    }
    return value;
  };
  function sum(): number {
    let value = product();
    for (let next = sign(); next === "+" || next === "-"; next = sign()) {
      at++;
      value = next === "+" ? value + product() : value - product();
    }
    return value;
  }
  const value = sum();
  if (at !== tokens.length) throw new Error(`"${text}" has more than one sum`);
  return value;
}
