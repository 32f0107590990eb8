import type { Bytes, Tokens } from "../../units.ts";
import type { PageGroup, PageLayout } from "./page-layout.ts";

export interface RequestShape {
  /** Tokens of the sequence at its longest. */
  readonly contextTokens: Tokens;
  /** `max_num_batched_tokens`: a window keeps that many besides itself while a prompt is read. */
  readonly batchedTokens: Tokens;
  /** Encoder positions where the model does not fix them. */
  readonly encoderTokens?: Tokens;
}

/**
 * Blocks that one sequence takes at its peak, summed over all groups.
 *
 *     full     ceil(context / block)
 *     window   ceil(min(window - 1 + batches in flight * batched, context) / block) + 1
 *     chunk    ceil(min(chunk + batched, context) / block)
 *     state    1 slot, 2 with prefix caching, and one per speculative token
 *
 * Source: vLLM `v1/kv_cache_interface.py`, `max_memory_usage_bytes` of each spec.
 *
 * @example blocksPerRequest(pageLayout(gpt_oss_20b, ...), { contextTokens: 8192, batchedTokens: 8192 }) // 512 + 513
 */
export const blocksPerRequest = (layout: PageLayout, request: RequestShape): number =>
  weighedBlocks(layout, request, () => 1);

function weighedBlocks(
  { groups, batchesInFlight = 1 }: PageLayout,
  request: RequestShape,
  weight: (group: PageGroup) => number,
): number {
  const batchedTokens = request.batchedTokens * batchesInFlight;
  let blocks = 0;
  for (const group of groups)
    blocks += group.groups * blocksOf(group, { ...request, batchedTokens }) * weight(group);
  return blocks;
}

/**
 * Blocks of a request as the start-up log counts them, fewer than it draws where a group fills its blocks in part.
 *
 *     ceil(sum of blocks * bytes of the group / bytes of the first group)
 *
 * Source: vLLM `get_max_concurrency_for_kv_cache_config` up to 0.26 with groups of unequal bytes (PR 48317 corrects it).
 *
 * @example countedBlocks(deepseek_v4_flash_with_mtp, ...) at 1,048,576 tokens by 4096 on 0.25
 * // ceil((4096 x 1,002,240 + 2 x 67 x 823,680 + 1027 x 967,680 + 529 x 748,800) / 1,002,240) = 5593 of 5786
 */
function countedBlocks(layout: PageLayout, request: RequestShape): number {
  const weight = ({ loggedBytes }: PageGroup): Bytes => loggedBytes ?? layout.bytesPerBlock;
  return Math.ceil(weighedBlocks(layout, request, weight) / weight(layout.groups[0]!));
}

function blocksOf(
  { growth, blockTokens }: PageGroup,
  { contextTokens, batchedTokens, encoderTokens }: RequestShape,
): number {
  switch (growth.kind) {
    case "full":
      return Math.ceil(contextTokens / blockTokens);
    case "window":
      return Math.ceil(Math.min(growth.windowTokens - 1 + batchedTokens, contextTokens) / blockTokens) + 1;
    case "chunk":
      return Math.ceil(Math.min(growth.chunkTokens + batchedTokens, contextTokens) / blockTokens);
    case "cross":
      return Math.ceil((growth.encoderTokens ?? encoderTokens ?? contextTokens) / blockTokens);
    case "state":
      return growth.slots;
  }
}

/** How the start-up log counts the pool in tokens. */
export type PoolReport =
  /** floor(blocks / groups) * smallest block: what 0.19 and earlier print. */
  | "per-group"
  /** concurrency * max_model_len: what later releases print. */
  | "by-concurrency";

export interface BlockPool {
  readonly blocks: number;
  readonly bytesPerBlock: Bytes;
  readonly blocksPerRequest: number;
  /** Sequences of full length that fit, as the log counts them: "Maximum concurrency". */
  readonly maxConcurrency: number;
  /** "GPU KV cache size" in tokens. */
  readonly tokens: Tokens;
  /** Bytes of a second pool, for states, that the request leaves; negative where it does not hold them. */
  readonly idleBytes?: number;
}

/**
 * The pool that a number of bytes makes, as the start-up log reports it.
 *
 *     blocks = floor(bytes / bytes per block)          concurrency = blocks / counted blocks per request
 *
 * @example blockPool(pageLayout(llama_3_1_8b, ...), { bytes: 58.11 GiB, contextTokens: 8192, ... }).tokens // 476_032
 */
export function blockPool(
  layout: PageLayout,
  input: RequestShape & { readonly bytes: Bytes; readonly report: PoolReport },
): BlockPool {
  const blocks = Math.max(0, Math.floor(input.bytes / layout.bytesPerBlock));
  const perRequest = blocksPerRequest(layout, input);
  const maxConcurrency = blocks / countedBlocks(layout, input);
  return {
    blocks,
    bytesPerBlock: layout.bytesPerBlock,
    blocksPerRequest: perRequest,
    maxConcurrency,
    tokens:
      input.report === "per-group"
        ? perGroupTokens(layout, blocks)
        : Math.floor(maxConcurrency * input.contextTokens),
  };
}

function perGroupTokens(layout: PageLayout, blocks: number): Tokens {
  let groups = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const group of layout.groups) {
    groups += group.groups;
    smallest = Math.min(smallest, group.blockTokens);
  }
  return Math.floor(blocks / groups) * smallest;
}
