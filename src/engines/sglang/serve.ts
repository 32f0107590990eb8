import type { Architecture } from "../../architecture/model.ts";
import { exactTerm, type Term } from "../../memory/term.ts";
import { deviceShares } from "../../parallelism/share.ts";
import type { Bytes, Tokens } from "../../units.ts";
import { attentionBytesPerToken, cacheLayers, reachOf } from "../cache-layers.ts";
import type { EngineDevice, EngineResult, ServingInput } from "../engine.ts";
import { peakElements, widestLayer } from "../layer-widths.ts";
import { communicationTerm, contextTerm, talkingRanks } from "../process-overhead.ts";
import type { BlockPool } from "../vllm/block-pool.ts";
import { sglangDefaults } from "./defaults.ts";

export interface SglangOptions {
  /** `--mem-fraction-static`: part of what is free at the start for weights and pools. Default: by card. */
  readonly memFractionStatic?: number;
  /** `--swa-full-tokens-ratio`: tokens of the window pool per token of the full one. Default 0.8. */
  readonly swaFullTokensRatio?: number;
  /** `--chunked-prefill-size`. Default: by card. */
  readonly chunkedPrefillTokens?: Tokens;
  /** `--disable-radix-cache`: one state slot per request instead of three. */
  readonly disableRadixCache?: boolean;
}

/** Slots of recurrent state that a running request holds with the radix cache on. */
const STATE_SLOTS = 3;
const VERSION = "0.5";
const DEFAULT_WINDOW_RATIO = 0.8;

/**
 * What SGLang needs, and the token pool that it makes. There is no profile run: what `mem_fraction_static`
 * leaves free has to hold activations and graphs.
 *
 *     per token   sum over layers, one page slot each: K and V, a latent, and 132 B of index key
 *     window      a second pool of ratio * tokens
 *     state       slots * (conv columns in the compute format + state in fp32)
 *     pool bytes  (total - context - communicators) * fraction - weights
 *
 * The fraction counts from what is free once the process has its context and its communicators.
 * Source: sglang `model_runner_kv_cache_mixin.py`, 0.5; pool defaults partly from general knowledge.
 */
export function serveOnSglang(input: ServingInput & SglangOptions): EngineResult {
  const shares = deviceShares(input.model, input.degrees);
  const devices = shares.map((device, stage): EngineDevice => {
    const { terms, pool } = stageParts(device.share, input, stage === shares.length - 1);
    return {
      id: device.id,
      count: device.count,
      held: device.share,
      terms,
      ...(pool === null ? {} : { pool }),
    };
  });
  const defaults = defaultsOf(input);
  const options = {
    memFractionStatic: input.memFractionStatic ?? defaults.memFractionStatic,
    swaFullTokensRatio: input.swaFullTokensRatio ?? DEFAULT_WINDOW_RATIO,
    chunkedPrefillTokens: defaults.chunkedPrefillTokens,
    disableRadixCache: input.disableRadixCache === true,
  };
  return { engine: "sglang", version: VERSION, options, devices, notes: [] };
}

const defaultsOf = ({ card, degrees, chunkedPrefillTokens }: ServingInput & SglangOptions) =>
  sglangDefaults(card, {
    degrees,
    ...(chunkedPrefillTokens === undefined ? {} : { chunkedPrefillTokens }),
  });

function stageParts(
  share: Architecture,
  input: ServingInput & SglangOptions,
  lastStage: boolean,
): { readonly terms: readonly Term[]; readonly pool: BlockPool | null } {
  const { contextTokens, card, degrees, computeBytes } = input;
  const sequences = Math.ceil(input.sequences / degrees.dp);
  const ratio = input.swaFullTokensRatio ?? DEFAULT_WINDOW_RATIO;
  const each = tokenBytes(share, input);
  const slots = input.disableRadixCache === true ? 1 : STATE_SLOTS;
  const state = sequences * slots * each.state;
  const perToken = each.full + each.window * (each.full > 0 ? ratio : 1);
  const terms: Term[] = [];
  if (perToken > 0)
    terms.push(
      exactTerm(
        "kv-cache",
        Math.ceil(sequences * contextTokens * perToken),
        each.full > 0 && each.window > 0 ? WINDOWED_POOL : POOL_FORMULA,
        {
          sequences,
          contextTokens,
          perToken,
          full: each.full,
          window: each.window,
          ratio,
        },
      ),
    );
  if (state > 0)
    terms.push(
      exactTerm("recurrent-state", state, "{sequences} sequences x {slots} slots x {each} B", {
        sequences,
        slots,
        each: each.state,
      }),
    );
  const defaults = defaultsOf(input);
  const chunk = Math.min(defaults.chunkedPrefillTokens, sequences * contextTokens);
  const elements = peakElements(widestLayer(share));
  const activations = chunk * elements * computeBytes;
  terms.push({
    id: "activations",
    bytes: activations,
    low: Math.floor(activations * 0.7),
    high: activations * 2,
    basis: "modelled",
    formula: "{chunk} tokens x {elements} elements x {width} B",
    inputs: { chunk, elements, width: computeBytes },
  });
  const communication = communicationTerm(talkingRanks(degrees));
  if (communication !== null) terms.push(communication);
  const context = contextTerm(card?.generation);
  const { workspace } = defaults;
  terms.push(context, {
    id: "workspace",
    bytes: workspace,
    low: 0,
    high: 3 * workspace,
    basis: "assumed",
    formula: "(512 + 2 x {graphBatch}) MiB that the engine sets aside for attention and CUDA graphs",
    inputs: { graphBatch: defaults.graphBatch },
  });
  if (card === undefined || perToken === 0) return { terms, pool: null };
  const besides = input.besides?.({ held: share, last: lastStage });
  const held = input.storage.bytesOf(share) + state + (besides === undefined ? 0 : besides);
  const start = card.totalBytes - context.bytes - (communication === null ? 0 : communication.bytes);
  const free = (input.memFractionStatic ?? defaults.memFractionStatic) * start - held;
  const tokens = Math.max(0, Math.floor(free / perToken));
  return {
    terms,
    pool: {
      blocks: tokens,
      bytesPerBlock: Math.ceil(perToken),
      blocksPerRequest: contextTokens,
      maxConcurrency: tokens / contextTokens,
      tokens,
    },
  };
}

const POOL_FORMULA = "{sequences} sequences x {contextTokens} tokens x {perToken} B";
const WINDOWED_POOL =
  "{sequences} sequences x {contextTokens} tokens x ({full} B + {ratio} x {window} B in window layers)";

function tokenBytes(
  share: Architecture,
  { format, computeBytes }: ServingInput,
): { readonly full: Bytes; readonly window: Bytes; readonly state: Bytes } {
  let full = 0;
  let window = 0;
  let state = 0;
  for (const { mixer, layers } of cacheLayers(share)) {
    switch (mixer.kind) {
      case "attention":
        if (reachOf(mixer) === Number.POSITIVE_INFINITY)
          full += layers * attentionBytesPerToken(mixer, format);
        else window += layers * attentionBytesPerToken(mixer, format);
        break;
      case "latent": {
        const index =
          mixer.indexer === undefined ? 0 : mixer.indexer.keyDim + Math.ceil(mixer.indexer.keyDim / 128) * 4;
        full += layers * (format.keyBytesPerVector(mixer.latentDim + mixer.ropeDim) + index);
        break;
      }
      case "compressed":
        window += layers * format.keyBytesPerVector(mixer.headDim);
        if (mixer.ratio > 0) full += (layers * format.keyBytesPerVector(mixer.headDim)) / mixer.ratio;
        break;
      case "recurrent":
        state +=
          layers *
          (Math.max(0, mixer.convKernel - 1) * mixer.convChannels * computeBytes + mixer.stateElements * 4);
        break;
      case "conv":
        state += layers * Math.max(0, mixer.kernel - 1) * mixer.channels * computeBytes;
        break;
    }
  }
  return { full, window, state };
}
