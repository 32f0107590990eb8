import type { Bytes, Tokens } from "../../units.ts";
import type { TokenBytes } from "./token-bytes.ts";
import type { SglangVersion } from "./versions.ts";

/** Slots of recurrent state that a running request holds with the radix cache on. */
const STATE_SLOTS = 3;
const STATE_SHARE = 0.9;

/** The flags that cut the pools. */
export interface PoolFlags {
  readonly swaFullTokensRatio?: number;
  readonly disableRadixCache?: boolean;
  readonly maxRunningRequests?: number;
  readonly maxTotalTokens?: Tokens;
  readonly pageTokens?: Tokens;
  readonly stateSlots?: number;
  readonly stateShare?: number;
}

export interface SglangPool {
  /** `max_total_num_tokens`. */
  readonly tokens: Tokens;
  /** Bytes of one of them over all pools. */
  readonly perToken: Bytes;
  /** `max_mamba_cache_size`; 0 without states. */
  readonly slots: number;
}

/** State slots of one request that runs. */
export const slotsPerRequest = ({ disableRadixCache }: PoolFlags): number =>
  disableRadixCache === true ? 1 : STATE_SLOTS;

/**
 * Tokens of the window pool per token of the full one: `--swa-full-tokens-ratio`, 0.8; one where there is no pool
 * beside it, or no pool of that kind in the release.
 */
export function windowRatio(each: TokenBytes, flags: PoolFlags, version: SglangVersion): number {
  return each.full > 0 && version.windowPool ? (flags.swaFullTokensRatio ?? 0.8) : 1;
}

/**
 * The pools that a number of bytes makes.
 *
 *     slots    bytes * share / (1 + share) / slot, share 0.9; as many as requests without the radix cache
 *     tokens   (bytes - slots * slot) / (full + ratio * window), down to whole pages, at most `--max-total-tokens`
 *
 * Source: `model_runner_kv_cache_mixin.py` 0.5.9, `pool_configurator.py` since.
 *
 * @example 9.49 GiB of a rank of Qwen3.5-9B: 187 slots of 25,755,648 B, the rest over 16,384 B: 327,310 tokens in the log
 */
export function sglangPool(
  bytes: Bytes,
  at: { readonly each: TokenBytes; readonly flags: PoolFlags; readonly version: SglangVersion },
): SglangPool {
  const { each, flags, version } = at;
  const { maxTotalTokens = Number.POSITIVE_INFINITY, pageTokens = 1 } = flags;
  const perToken = each.full + each.window * windowRatio(each, flags, version);
  const left = Math.max(0, bytes);
  const slots = each.state === 0 ? 0 : slotsOf(left, each.state, flags);
  const room = Math.max(0, left - slots * each.state);
  const tokens = Math.min(maxTotalTokens, Math.floor(room / perToken));
  return { tokens: Math.floor(tokens / pageTokens) * pageTokens, perToken, slots };
}

function slotsOf(bytes: Bytes, slot: Bytes, flags: PoolFlags): number {
  const { stateSlots, maxRunningRequests, stateShare = STATE_SHARE } = flags;
  if (stateSlots !== undefined) return stateSlots;
  if (flags.disableRadixCache === true && maxRunningRequests !== undefined) return maxRunningRequests;
  return Math.floor((bytes * stateShare) / (1 + stateShare) / slot);
}

/**
 * `max_running_requests`: 512 for every context that the pool holds, within the release's bounds and what the states
 * allow.
 *
 * @example runningRequests({ tokens: 298_447, slots: 0 }, { contextTokens: 40_960, ... }) // 3730, as the log says
 */
export function runningRequests(
  { tokens, slots }: Pick<SglangPool, "tokens" | "slots">,
  at: { readonly contextTokens: Tokens; readonly flags: PoolFlags; readonly version: SglangVersion },
): number {
  const { least, most } = at.version.requests;
  const byPool = Math.min(most, Math.max(least, Math.floor((tokens / at.contextTokens) * 512)));
  const asked = at.flags.maxRunningRequests ?? byPool;
  return slots === 0 ? asked : Math.min(asked, Math.floor(slots / slotsPerRequest(at.flags)));
}
