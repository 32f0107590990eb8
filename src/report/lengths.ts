import type { BatchLengths } from "../memory/batch-lengths.ts";
import { groupDigits } from "../units.ts";
import { sizeText, type Units } from "./size-text.ts";

/** A real batch in words: what padding it to the longest prompt costs. */
export function lengthsLines(batch: BatchLengths, units: Units): string[] {
  const percent = (100 * batch.wastedShare).toFixed(1);
  return [
    `${batch.sequences} prompts: ${groupDigits(batch.realTokens)} real tokens, ${groupDigits(batch.paddedTokens)} padded to the longest (${groupDigits(batch.longestTokens)}), ${percent} % wasted`,
    `  cache  ${sizeText(batch.paddedCache, units)} padded, ${sizeText(batch.packedCache, units)} packed`,
    `  mask   ${batch.mask === 0 ? "none" : sizeText(batch.mask, units)}`,
  ];
}
