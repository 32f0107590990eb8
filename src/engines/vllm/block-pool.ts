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
 *     window   ceil(min(window - 1 + batched, context) / block) + 1
 *     chunk    ceil(min(chunk + batched, context) / block)
 *     state    1 slot, 2 with prefix caching, and one per speculative token
 *
 * Source: vLLM `v1/kv_cache_interface.py`, `max_memory_usage_bytes` of each spec.
 *
 * @example blocksPerRequest(pageLayout(gpt_oss_20b, ...), { contextTokens: 8192, batchedTokens: 8192 }) // 512 + 513
 */
export function blocksPerRequest(layout: PageLayout, request: RequestShape): number {
  let blocks = 0;
  for (const group of layout.groups) blocks += group.groups * blocksOf(group, request);
  return blocks;
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
  /** Sequences of full length that fit: "Maximum concurrency". */
  readonly maxConcurrency: number;
  /** "GPU KV cache size" in tokens. */
  readonly tokens: Tokens;
}

/**
 * The pool that a number of bytes makes, as the start-up log reports it.
 *
 *     blocks = floor(bytes / bytes per block)          concurrency = blocks / blocks per request
 *
 * @example blockPool(pageLayout(llama_3_1_8b, ...), { bytes: 58.11 GiB, contextTokens: 8192, ... }).tokens // 476_032
 */
export function blockPool(
  layout: PageLayout,
  input: RequestShape & { readonly bytes: Bytes; readonly report: PoolReport },
): BlockPool {
  const blocks = Math.max(0, Math.floor(input.bytes / layout.bytesPerBlock));
  const perRequest = blocksPerRequest(layout, input);
  const maxConcurrency = blocks / perRequest;
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
