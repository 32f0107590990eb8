import type { Architecture } from "../architecture/model.ts";
import type { CacheFormat } from "../engines/cache-format.ts";
import { VramCalcError } from "../errors.ts";
import { checkOptions, type OptionKinds } from "../known-options.ts";
import { type Bytes, parseTokens, type Tokens } from "../units.ts";
import { type AttentionImplementation, attentionMaskBytes } from "./attention-mask.ts";
import { cacheBytes } from "./kv-cache.ts";

const MOST_SEQUENCES = 65_536;

/**
 * Reads `--lengths`: prompt lengths separated by commas, `k` for 1024.
 *
 * @throws bad-option for an empty entry, a length of 0 or more than 65,536 lengths; bad-quantity for a
 * length that is no token count
 * @example parseLengths("512,200,1k") // [512, 200, 1024]
 */
export function parseLengths(text: string): readonly Tokens[] {
  const fail = (given: string): never => {
    throw new VramCalcError("bad-option", {
      option: "--lengths",
      given,
      expected: `1 to ${MOST_SEQUENCES} prompt lengths such as 512,200,1024`,
    });
  };
  const parts = text.slice(0, 1 << 20).split(",");
  if (parts.length > MOST_SEQUENCES) fail(`${parts.length} lengths`);
  return parts.map((part) => {
    if (part.trim() === "") fail(text.trim() === "" ? "nothing" : "an empty entry");
    const tokens = parseTokens(part);
    if (tokens === 0) fail("a length of 0");
    return tokens;
  });
}

export interface BatchInput {
  readonly lengths: readonly Tokens[];
  readonly format: CacheFormat;
  readonly implementation: AttentionImplementation;
  /** Bytes of one value of the compute format. */
  readonly computeBytes: number;
}

const BATCH: OptionKinds<BatchInput> = {
  lengths: "list!",
  format: "object!",
  implementation: "string!",
  computeBytes: "number!",
};

export interface BatchLengths {
  readonly sequences: number;
  readonly longestTokens: Tokens;
  /** Sum of the lengths. */
  readonly realTokens: Tokens;
  /** sequences * longest: what a padded batch pushes through every layer. */
  readonly paddedTokens: Tokens;
  /** 1 - real / padded. */
  readonly wastedShare: number;
  /** Cache when every sequence is padded to the longest. */
  readonly paddedCache: Bytes;
  /** Cache when sequences are packed or paged by their own length. */
  readonly packedCache: Bytes;
  readonly mask: Bytes;
}

/**
 * A real batch, padded against packed.
 *
 *     padded tokens = sequences * longest          wasted share = 1 - sum of lengths / padded tokens
 *     packed cache  = sum over sequences of the cache of their own length
 *
 * Recurrent states are the same for every length and count in both caches.
 *
 * @throws bad-option, unknown-name for an input that is not of this form
 * @example batchLengths(llama_3_1_8b, { lengths: [512, 200, 1024], format: formats.kvFormatByName("fp16"), implementation: "flash", computeBytes: 2 }).paddedTokens // 3072
 */
export function batchLengths(model: Architecture, input: BatchInput): BatchLengths {
  checkOptions(input, BATCH, "batchLengths");
  const { lengths, format } = input;
  let longestTokens = 0;
  let realTokens = 0;
  let packedCache = 0;
  const cacheOf = (contextTokens: Tokens): Bytes => {
    const { kv, state } = cacheBytes(model, { contextTokens, format });
    return kv + state;
  };
  for (const tokens of lengths) {
    if (!Number.isSafeInteger(tokens) || tokens < 1)
      throw new VramCalcError("bad-option", {
        option: "lengths",
        given: String(tokens),
        expected: "whole numbers of tokens from 1",
      });
    longestTokens = Math.max(longestTokens, tokens);
    realTokens += tokens;
    packedCache += cacheOf(tokens);
  }
  const sequences = lengths.length;
  const paddedTokens = sequences * longestTokens;
  const { mask } = attentionMaskBytes({
    implementation: input.implementation,
    sequences,
    queryTokens: longestTokens,
    keyTokens: longestTokens,
    padded: realTokens < paddedTokens,
    computeBytes: input.computeBytes,
    queryHeads: 1,
  });
  return {
    sequences,
    longestTokens,
    realTokens,
    paddedTokens,
    wastedShare: paddedTokens === 0 ? 0 : 1 - realTokens / paddedTokens,
    paddedCache: sequences * cacheOf(longestTokens),
    packedCache,
    mask,
  };
}
