import type { Mixer } from "../../architecture/mixers/mixer.ts";
import type { Architecture } from "../../architecture/model.ts";
import { defined } from "../../defined.ts";
import type { Bytes, Tokens } from "../../units.ts";
import type { CacheFormat } from "../cache-format.ts";
import { attentionBytesPerToken, type CacheLayer, cacheLayers, draftCacheLayers } from "../cache-layers.ts";
import { compressedLayout } from "./compressed-layout.ts";
import { indexKeyBytes } from "./compressed-pages.ts";

export interface PageOptions {
  readonly format: CacheFormat;
  /** `--block-size`. Default: 16, 64 when every layer is latent (FlashMLA's kernel block), 256 for DeepSeek V4. */
  readonly blockTokens?: Tokens;
  /** Width of a convolution state, and of a recurrent one that no config pins. Default: the compute format's. */
  readonly stateBytes?: number;
  /** `num_speculative_tokens`: the prediction layers' cache, more convolution columns and state slots. Default 0. */
  readonly speculativeTokens?: number;
  /** Prefix caching keeps two aligned states per sequence ("align"); without it one. Default true. */
  readonly prefixCaching?: boolean;
  /** False with `--disable-hybrid-kv-cache-manager`: windows and chunks are stored in full. Default true. */
  readonly hybridManager?: boolean;
  /**
   * DeepSeek V4 with an fp8 cache: `flashinfer` keeps plain rows (`--attention-backend FLASHINFER_MLA_SPARSE_DSV4` on
   * SM100), `flashmla` fp8_ds_mla's, as SM120's FlashInfer does too. Default `flashmla`.
   */
  readonly sparseBackend?: "flashmla" | "flashinfer";
  /** Release whose packing of DeepSeek V4 is meant, "0.25". Default: the latest. */
  readonly version?: string;
}

export interface PageDefaults {
  /** Bytes of one value of the compute format. */
  readonly computeBytes: number;
  /** Near-equal groups are padded to the larger when it is under this multiple of the smaller. */
  readonly padRatio: number;
  /** Steps whose tokens a window keeps besides itself. Default 1. */
  readonly batchesInFlight?: number;
}

const DEFAULTS: PageDefaults = { computeBytes: 2, padRatio: 1.5 };

/** Blocks that one sequence takes of one group of layers. */
export type GroupGrowth =
  | { readonly kind: "full" }
  | { readonly kind: "window"; readonly windowTokens: Tokens }
  | { readonly kind: "chunk"; readonly chunkTokens: Tokens }
  | { readonly kind: "cross"; readonly encoderTokens: Tokens | null }
  | { readonly kind: "state"; readonly slots: number };

/** Groups of layers that grow alike: each has a block table of its own, all draw on one pool. */
export interface PageGroup {
  readonly growth: GroupGrowth;
  readonly groups: number;
  readonly blockTokens: Tokens;
  /** Bytes by which the start-up log weighs this group's blocks. Default: those of a block, all groups alike. */
  readonly loggedBytes?: Bytes;
}

export interface PageLayout {
  /** What one block of the pool costs: a page in every layer of a group. */
  readonly bytesPerBlock: Bytes;
  readonly groups: readonly PageGroup[];
  /** Batches whose tokens a window keeps besides itself. Default 1. */
  readonly batchesInFlight?: number;
}

interface Spec {
  readonly growth: GroupGrowth;
  readonly layers: number;
  /** Bytes of one token in one layer; 0 for states. */
  readonly tokenBytes: Bytes;
  /** Bytes of one state slot; 0 for attention. */
  readonly slotBytes: Bytes;
}

const DEFAULT_BLOCK_TOKENS = 16;
const LATENT_BLOCK_TOKENS = 64;
/** Attention kernels take blocks of a multiple of this many tokens beside a recurrent state. */
const KERNEL_ALIGNMENT = 16;

/**
 * How vLLM cuts its cache memory into blocks.
 *
 *     one kind of layer      block = layers * blockTokens * bytes per token
 *     same growth, other widths (MLA and its indexer)   block = sum over layers
 *     several kinds          layers are dealt into groups of g layers, g = the fewest of any kind (or the
 *                            most, when under 1.5 times the fewest); block = g * page, the same for all kinds
 *     attention + state      blockTokens is raised until an attention page holds a state:
 *                            16 * ceil(state / (16 * bytes per token))
 *     DeepSeek V4            compressed-layout.ts
 *
 * Narrower attention layers get more tokens per block so that pages agree.
 * Source: vLLM `v1/core/kv_cache_utils.py` and `platforms/interface.py`; group ratio 1.25 before 0.14.
 *
 * @returns null for a model that keeps no cache
 * @example pageLayout(gpt_oss_20b, { format: bf16 })
 * // { bytesPerBlock: 12 x 16 x 2048 = 393_216, groups: [full, window 128] }
 */
export function pageLayout(
  model: Architecture,
  options: PageOptions,
  defaults: PageDefaults = DEFAULTS,
): PageLayout | null {
  const drafts = (options.speculativeTokens ?? 0) > 0 ? draftCacheLayers(model) : [];
  const rows = cacheLayers(model);
  const all = drafts.length === 0 ? rows : [...rows, ...drafts];
  const compressed = all.flatMap(({ mixer, layers }) =>
    mixer.kind === "compressed" ? [{ mixer, layers }] : [],
  );
  if (compressed.length > 0) return compressedLayout(compressed, options);
  const specs = mergeSpecs(all, options, options.stateBytes ?? defaults.computeBytes);
  if (specs.length === 0) return null;
  const attention = specs.filter((spec) => spec.tokenBytes > 0);
  const states = specs.filter((spec) => spec.slotBytes > 0);
  const allLatent = rows.every(({ mixer }) => mixer.kind === "latent");
  const blockTokens = options.blockTokens ?? (allLatent ? LATENT_BLOCK_TOKENS : DEFAULT_BLOCK_TOKENS);
  if (attention.length === 0) return stateOnly(states);
  const alike = states.length === 0 && attention.every((spec) => sameGrowth(spec, attention[0]!));
  const { batchesInFlight, padRatio } = defaults;
  return {
    ...(alike ? oneGroup(attention, blockTokens) : paged(attention, states, blockTokens, padRatio)),
    ...defined({ batchesInFlight }),
  };
}

function oneGroup(specs: readonly Spec[], blockTokens: Tokens): PageLayout {
  let bytesPerToken = 0;
  for (const spec of specs) bytesPerToken += spec.layers * spec.tokenBytes;
  return {
    bytesPerBlock: blockTokens * bytesPerToken,
    groups: [{ growth: specs[0]!.growth, groups: 1, blockTokens }],
  };
}

function stateOnly(states: readonly Spec[]): PageLayout {
  let bytesPerBlock = 0;
  for (const spec of states) bytesPerBlock += spec.layers * spec.slotBytes;
  return { bytesPerBlock, groups: [{ growth: states[0]!.growth, groups: 1, blockTokens: 1 }] };
}

function paged(
  attention: readonly Spec[],
  states: readonly Spec[],
  blockTokens: Tokens,
  padRatio: number,
): PageLayout {
  const widest = attention.reduce((most, spec) => Math.max(most, spec.tokenBytes), 0);
  const largestState = states.reduce((most, spec) => Math.max(most, spec.slotBytes), 0);
  const needed = KERNEL_ALIGNMENT * Math.ceil(largestState / (KERNEL_ALIGNMENT * widest));
  const widestBlock = Math.max(blockTokens, needed);
  const page = widestBlock * widest;
  const specs = [...attention, ...states];
  const fewest = specs.reduce((least, spec) => Math.min(least, spec.layers), Number.POSITIVE_INFINITY);
  const most = specs.reduce((top, spec) => Math.max(top, spec.layers), 0);
  const perGroup = most < fewest * padRatio ? most : fewest;
  return {
    bytesPerBlock: perGroup * page,
    groups: specs.map((spec) => ({
      growth: spec.growth,
      groups: Math.ceil(spec.layers / perGroup),
      blockTokens: spec.tokenBytes === 0 ? widestBlock : Math.floor(page / spec.tokenBytes),
    })),
  };
}

function mergeSpecs(rows: readonly CacheLayer[], options: PageOptions, stateBytes: number): readonly Spec[] {
  const specs = rows.flatMap((row) => specsOf(row, options, stateBytes));
  const merged: Spec[] = [];
  for (const spec of specs) {
    const at = merged.findIndex(
      (other) =>
        sameGrowth(spec, other) && other.tokenBytes === spec.tokenBytes && other.slotBytes === spec.slotBytes,
    );
    if (at < 0) merged.push(spec);
    else merged[at] = { ...spec, layers: merged[at]!.layers + spec.layers };
  }
  if (options.hybridManager === false && merged.some((spec) => spec.growth.kind === "full"))
    return merged.map((spec) =>
      spec.growth.kind === "window" || spec.growth.kind === "chunk"
        ? { ...spec, growth: { kind: "full" } }
        : spec,
    );
  return merged;
}

function specsOf({ mixer, layers }: CacheLayer, options: PageOptions, stateBytes: number): Spec[] {
  const { format, speculativeTokens = 0 } = options;
  const attention = (growth: GroupGrowth, tokenBytes: Bytes): Spec => ({
    growth,
    layers,
    tokenBytes,
    slotBytes: 0,
  });
  const state = (slotBytes: Bytes): Spec => ({
    growth: { kind: "state", slots: (options.prefixCaching === false ? 1 : 2) + speculativeTokens },
    layers,
    tokenBytes: 0,
    slotBytes,
  });
  switch (mixer.kind) {
    case "attention":
      return [attention(growthOf(mixer), attentionBytesPerToken(mixer, format))];
    case "latent": {
      const width = mixer.latentDim + mixer.ropeDim;
      const specs = [attention({ kind: "full" }, format.keyBytesPerVector(width))];
      if (mixer.indexer !== undefined)
        specs.push(attention({ kind: "full" }, indexKeyBytes(mixer.indexer.keyDim)));
      return specs;
    }
    // Laid out by compressedLayout: no architecture mixes them with others.
    case "compressed":
      return [];
    case "recurrent": {
      const columns = Math.max(0, mixer.convKernel - 1 + speculativeTokens);
      const pinned = mixer.stateFormat === "fp32" || mixer.variant === "kda" ? 4 : stateBytes;
      return [state(columns * mixer.convChannels * stateBytes + mixer.stateElements * pinned)];
    }
    case "conv":
      return [state(Math.max(0, mixer.kernel - 1 + speculativeTokens) * mixer.channels * stateBytes)];
  }
}

function growthOf(mixer: Extract<Mixer, { kind: "attention" }>): GroupGrowth {
  if (mixer.cache === "cross") return { kind: "cross", encoderTokens: mixer.encoderTokens ?? null };
  if (mixer.windowTokens !== undefined) return { kind: "window", windowTokens: mixer.windowTokens };
  if (mixer.chunkTokens !== undefined) return { kind: "chunk", chunkTokens: mixer.chunkTokens };
  return { kind: "full" };
}

function sameGrowth({ growth: a }: Pick<Spec, "growth">, { growth: b }: Pick<Spec, "growth">): boolean {
  switch (a.kind) {
    case "full":
      return b.kind === "full";
    case "window":
      return b.kind === "window" && a.windowTokens === b.windowTokens;
    case "chunk":
      return b.kind === "chunk" && a.chunkTokens === b.chunkTokens;
    case "cross":
      return b.kind === "cross" && a.encoderTokens === b.encoderTokens;
    case "state":
      return b.kind === "state" && a.slots === b.slots;
  }
}
