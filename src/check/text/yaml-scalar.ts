import type { Scalar } from "./node.ts";

/**
 * Plain scalars that YAML 1.1 and 1.2 (or two readers of one of them) take for different things: `no`, `012`,
 * `0x10`, `1e3`, `1_000`, `12:30`, dates. Quoting settles it, so they are refused without quotes.
 */
const AMBIGUOUS =
  /^(?:y|n|yes|no|on|off|=|<<|[-+]?\.(?:inf|nan)|[-+]?0[0-9_]+|[-+]?0[xob][\da-f_]+|[-+]?[\d.][\d_.]*e[-+]?\d+|[-+]?\d[\d,]*_[\d_,.]*|[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.\d*)?|\d{4}-\d\d?-\d\d?.*)$/i;
/** Numbers that every version reads alike. */
const NUMBER = /^[-+]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)$/;
const EXPONENT = /^[-+]?(?:0|[1-9]\d*)\.\d*[eE][-+]\d+$/;

/**
 * What an unquoted YAML scalar means, or undefined where versions of YAML disagree.
 *
 * @example plainScalar("32k") // "32k"
 * @example plainScalar("8192") // 8192
 * @example plainScalar("no") // undefined
 */
export function plainScalar(text: string): Scalar | undefined {
  if (NUMBER.test(text) || EXPONENT.test(text)) return Number(text);
  if (AMBIGUOUS.test(text)) return undefined;
  switch (text) {
    case "":
    case "~":
    case "null":
    case "Null":
    case "NULL":
      return null;
    case "true":
    case "True":
    case "TRUE":
      return true;
    case "false":
    case "False":
    case "FALSE":
      return false;
  }
  return text;
}
