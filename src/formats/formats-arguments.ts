import { VramCalcError } from "../errors.ts";
import { looksLikeCode } from "./encode-value.ts";
import { looksLikeNumber, parseTyped } from "./exact-decimal.ts";
import { findFormatId, unknownFormat } from "./format-names.ts";

/** What `vram-calc formats` was asked: format ids and numbers as typed. */
export interface FormatsRequest {
  readonly formats: readonly string[];
  readonly values: readonly string[];
}

/** The formats that a number is shown in when none is named. */
const COMPARED_FORMATS: readonly string[] = ["fp32", "bf16", "fp16", "fp8_e4m3fn", "fp8_e5m2"];

/**
 * Sorts words into formats and values, in any order. Values alone are compared in the common formats.
 *
 * @throws unknown-name for a word that is neither, bad-quantity for a number that cannot be read
 * @example parseFormatsArguments(["fp16", "half", "3.14"]) // { formats: ["fp16"], values: ["3.14"] }
 */
export function parseFormatsArguments(words: readonly string[]): FormatsRequest {
  const formats = new Set<string>();
  const values: string[] = [];
  for (const word of words) {
    if (looksLikeCode(word)) values.push(word);
    else if (looksLikeNumber(word)) values.push(parseTyped(word).text);
    else {
      const id = findFormatId(word);
      if (id === undefined) throw unknownWord(word);
      formats.add(id);
    }
  }
  return { formats: formats.size === 0 && values.length > 0 ? COMPARED_FORMATS : [...formats], values };
}

/** A word that starts like a number was meant as one. */
function unknownWord(word: string): VramCalcError {
  if (/^[+-]?\.?\d/.test(word))
    return new VramCalcError("bad-quantity", {
      what: "a number",
      input: word.slice(0, 60),
      hint: "write 3.14159, -0, 1e-8, inf or nan, or a bit pattern such as 0x7bff",
    });
  return unknownFormat(word, "format or number");
}
