import type { Architecture, Note } from "../../architecture/model.ts";
import { isTower } from "../../architecture/stack.ts";
import { defined } from "../../defined.ts";
import { exactTerm, type Term } from "../../memory/term.ts";
import { deviceShares } from "../../parallelism/share.ts";
import type { Bytes, Tokens } from "../../units.ts";
import { cacheLayers } from "../cache-layers.ts";
import type { EngineCard, EngineDevice, EngineResult, ServingInput } from "../engine.ts";
import { peakElements, widestLayer } from "../layer-widths.ts";
import { communicationTerm, contextTerm, linkedRanks, talkingRanks } from "../process-overhead.ts";
import { segmentRounding } from "../torch-segments.ts";
import { versionRow } from "../versions.ts";
import type { BlockPool } from "../vllm/block-pool.ts";
import { wideRotaryBytes } from "../vllm/profile.ts";
import { type SglangDefaults, sglangDefaults } from "./defaults.ts";
import { sglangGraphs } from "./graphs.ts";
import { type PoolFlags, runningRequests, sglangPool, slotsPerRequest, windowRatio } from "./pool.ts";
import { type TokenBytes, tokenBytes } from "./token-bytes.ts";
import { SGLANG_VERSIONS, type SglangVersion } from "./versions.ts";

const MiB = 2 ** 20;

/** SGLang's flags, by their names there. */
export interface SglangOptions extends PoolFlags {
  /** `--mem-fraction-static`: part of what is free at the start for weights and pools. Default: by card. */
  readonly memFractionStatic?: number;
  /** `--chunked-prefill-size`. Default: by card; -1 reads prompts whole. */
  readonly chunkedPrefillTokens?: Tokens;
  /** `--cuda-graph-max-bs`: largest batch that is captured. Default: by card. */
  readonly graphMaxBatch?: number;
  /** `--disable-cuda-graph`: no decode graphs. */
  readonly disableCudaGraph?: boolean;
  /** `--disable-piecewise-cuda-graph`, later `--disable-prefill-cuda-graph`: no prefill graphs. */
  readonly disablePrefillGraphs?: boolean;
  /** `--mamba-ssm-dtype`: format of recurrent states. Default float32. */
  readonly stateFormat?: "float32" | "bfloat16" | "float16";
}

type SglangInput = ServingInput & SglangOptions;

/** What one run has on every stage. */
interface Setting {
  readonly input: SglangInput;
  readonly version: SglangVersion;
  readonly defaults: SglangDefaults;
  readonly prefillGraphs: boolean;
}

/**
 * What SGLang needs, and the pools that it makes. There is no profile run: what `mem_fraction_static` leaves free has
 * to hold activations, graphs and the table of requests.
 *
 *     start       total - context - communicators: "Load weight begin. avail mem"
 *     pool bytes  start * fraction - weights in their segments - rotary tables in fp32
 *     need        weights + pool of the request + activations + workspace + context + communicators
 *     table       requests * (context + 4) * 4 B
 *
 * Source: sglang `model_runner.py` `profile_max_num_token`, later `model_runner_kv_cache_mixin.py` and
 * `mem_cache/kv_cache_configurator.py`. GB in its log is GiB.
 *
 * @example serveOnSglang({ model: qwen3_14b, card: rtx_4090, tp: 4, memFractionStatic: 0.8, ... }).devices[0].pool.tokens
 * // 302,600 or so; the log says 298,447
 */
export function serveOnSglang(input: SglangInput): EngineResult {
  const setting = settingOf(input);
  const { version, defaults } = setting;
  const shares = deviceShares(input.model, input.degrees);
  const devices = shares.map((device, stage): EngineDevice => {
    const { terms, pool } = stageParts(device.share, setting, stage === shares.length - 1);
    return {
      id: device.id,
      count: device.count,
      held: device.share,
      terms,
      ...(pool === null ? {} : { pool }),
    };
  });
  const options = {
    memFractionStatic: input.memFractionStatic ?? defaults.memFractionStatic,
    swaFullTokensRatio: input.swaFullTokensRatio ?? 0.8,
    chunkedPrefillTokens: defaults.chunkedPrefillTokens,
    disableRadixCache: input.disableRadixCache === true,
    graphMaxBatch: input.disableCudaGraph === true ? 0 : defaults.graphBatch,
    prefillGraphs: setting.prefillGraphs,
    ...defined({
      maxRunningRequests: input.maxRunningRequests,
      maxTotalTokens: input.maxTotalTokens,
      pageTokens: input.pageTokens,
      stateSlots: input.stateSlots,
      stateShare: input.stateShare,
    }),
  };
  return { engine: "sglang", version: version.version, options, devices, notes: slotNotes(devices, input) };
}

function settingOf(input: SglangInput): Setting {
  const { card, degrees, chunkedPrefillTokens, graphMaxBatch, model } = input;
  const version = versionRow(SGLANG_VERSIONS, input.version);
  const towers = model.stacks.some(({ role }) => isTower(role));
  const prefillGraphs = version.prefillGraphs && input.disablePrefillGraphs !== true && !towers;
  const defaults = sglangDefaults(card, {
    version,
    degrees,
    graphsOff: { decode: input.disableCudaGraph === true, prefill: !prefillGraphs },
    latent: cacheLayers(model).some(({ mixer }) => mixer.kind === "latent"),
    ...defined({ chunkedPrefillTokens, graphBatch: graphMaxBatch }),
  });
  return { input, version, defaults, prefillGraphs };
}

function stageParts(
  share: Architecture,
  setting: Setting,
  lastStage: boolean,
): { readonly terms: readonly Term[]; readonly pool: BlockPool | null } {
  const { input, version, defaults } = setting;
  const { contextTokens, card, degrees, computeBytes, stateFormat = "float32" } = input;
  const sequences = Math.ceil(input.sequences / degrees.dp);
  const each = tokenBytes(share, {
    format: input.format,
    computeBytes,
    stateBytes: stateFormat === "float32" ? 4 : 2,
  });
  const terms = cacheTerms(each, { setting, sequences });
  terms.push(activationTerm(share, { setting, sequences }));
  const communication = communicationOf(input);
  if (communication !== null) terms.push(communication);
  const context = contextTerm(card?.generation);
  terms.push(context);
  const stored = input.storage.bytesOf(share);
  const rounding = segmentRounding(share, Math.round(stored / Math.max(1, share.parameters.stored)));
  if (rounding > 0)
    terms.push({
      id: "allocator",
      bytes: rounding,
      low: 0,
      high: rounding * 2,
      basis: "modelled",
      formula: "{rounding} B by which segments are larger than the weights in them",
      inputs: { rounding },
    });
  const rotary = wideRotaryBytes(share);
  const perToken = each.full + each.window;
  if (card === undefined || perToken === 0) {
    terms.push(workspaceTerm(share, { setting, rotary, requests: version.requests.least }));
    return { terms, pool: null };
  }
  const besides = input.besides?.({ held: share, last: lastStage });
  const held = stored + rounding + rotary + (besides === undefined ? 0 : besides);
  const start = card.totalBytes - context.bytes - (communication === null ? 0 : communication.bytes);
  const free = (input.memFractionStatic ?? defaults.memFractionStatic) * start - held;
  const pool = sglangPool(free, { each, flags: input, version });
  const requests = runningRequests(pool, { contextTokens, flags: input, version });
  terms.push(workspaceTerm(share, { setting, rotary, requests }));
  const paged = pagedTokens(input);
  return {
    terms,
    pool: {
      blocks: pool.tokens,
      bytesPerBlock: Math.ceil(pool.perToken),
      blocksPerRequest: paged,
      maxConcurrency: pool.tokens / paged,
      tokens: pool.tokens,
      ...(each.state === 0
        ? {}
        : { idleBytes: (pool.slots - sequences * slotsPerRequest(input)) * each.state }),
    },
  };
}

/** A request's tokens in whole pages. */
const pagedTokens = ({ contextTokens, pageTokens = 1 }: SglangInput): Tokens =>
  Math.ceil(contextTokens / pageTokens) * pageTokens;

const POOL_FORMULA = "{sequences} sequences x {contextTokens} tokens x {perToken} B";
const WINDOWED_POOL =
  "{sequences} sequences x {contextTokens} tokens x ({full} B + {ratio} x {window} B in window layers)";

interface OfSequences {
  readonly setting: Setting;
  readonly sequences: number;
}

function cacheTerms(each: TokenBytes, { setting, sequences }: OfSequences): Term[] {
  const { input, version } = setting;
  const terms: Term[] = [];
  const { full, window, state } = each;
  const ratio = windowRatio(each, input, version);
  const perToken = full + window * ratio;
  if (perToken > 0) {
    const contextTokens = pagedTokens(input);
    const inputs = { sequences, contextTokens, perToken, full, window, ratio };
    const formula = full > 0 && window > 0 && ratio !== 1 ? WINDOWED_POOL : POOL_FORMULA;
    terms.push(exactTerm("kv-cache", Math.ceil(sequences * contextTokens * perToken), formula, inputs));
  }
  const slots = slotsPerRequest(input);
  if (state > 0)
    terms.push(
      exactTerm(
        "recurrent-state",
        sequences * slots * state,
        "{sequences} sequences x {slots} slots x {each} B",
        { sequences, slots, each: state },
      ),
    );
  return terms;
}

function activationTerm(share: Architecture, { setting, sequences }: OfSequences): Term {
  const { contextTokens, computeBytes } = setting.input;
  const { chunkedPrefillTokens } = setting.defaults;
  const whole = sequences * contextTokens;
  const chunk = chunkedPrefillTokens > 0 ? Math.min(chunkedPrefillTokens, whole) : whole;
  const elements = peakElements(widestLayer(share));
  const bytes = chunk * elements * computeBytes;
  return {
    id: "activations",
    bytes,
    low: Math.floor(bytes * 0.7),
    high: bytes * 2,
    basis: "modelled",
    formula: "{chunk} tokens x {elements} elements x {width} B",
    inputs: { chunk, elements, width: computeBytes },
  };
}

/**
 * Ranks on the bus keep small buffers: 0.13 GiB on each of four L4, 0.19 on each of two RTX 4090 (rows
 * `sglang-qwq-32b-4xl4`, `sglang-qwen3.5-9b-2x4090`), against 1.25 on each of eight H100.
 */
function communicationOf({ card, degrees }: ServingInput): Term | null {
  const linked = communicationTerm(talkingRanks(degrees));
  if (linked === null || card === undefined || linkedRanks(card)) return linked;
  return { ...linked, bytes: 160 * MiB, low: 64 * MiB, high: 400 * MiB, inputs: { mebibytes: 160 } };
}

/** What the attention kernels keep: those of Hopper (from 0.4.6) next to nothing, FlashInfer about 0.5 GiB. */
const attentionWorkspace = (card: EngineCard | undefined): Bytes =>
  card?.generation === "hopper" ? 64 * MiB : 512 * MiB;

function workspaceTerm(
  share: Architecture,
  at: { readonly setting: Setting; readonly rotary: Bytes; readonly requests: number },
): Term {
  const { setting, rotary, requests } = at;
  const { input, defaults } = setting;
  const { chunkedPrefillTokens, graphBatch } = defaults;
  const attention = attentionWorkspace(input.card);
  const table = requests * (input.contextTokens + 4) * 4;
  const graphs = sglangGraphs(share, {
    batch: input.disableCudaGraph === true ? 0 : Math.min(graphBatch, requests),
    prefillTokens: setting.prefillGraphs ? Math.max(0, chunkedPrefillTokens) : 0,
    ranks: talkingRanks(input.degrees),
  });
  const captured = graphs.decode + graphs.prefill;
  return {
    id: "workspace",
    bytes: rotary + table + attention + captured,
    low: rotary + table + Math.floor(captured / 2),
    high: rotary + table + 3 * attention + 3 * captured,
    basis: "modelled",
    formula: `{rotary} B of rotary tables + {requests} requests x ({contextTokens} + 4) x 4 B + {attention} B of attention + ${graphs.explained.formula}`,
    inputs: { rotary, requests, contextTokens: input.contextTokens, attention, ...graphs.explained.inputs },
  };
}

/** A state pool that does not hold the sequences asked for at once. */
function slotNotes(devices: readonly EngineDevice[], input: SglangInput): readonly Note[] {
  const short = devices.some(({ pool }) => pool?.idleBytes !== undefined && pool.idleBytes < 0);
  if (!short) return [];
  const slots = Math.ceil(input.sequences / input.degrees.dp) * slotsPerRequest(input);
  return [
    {
      code: "state-slots",
      message: `the pool of states has too few slots for that many sequences at once: --set max-mamba-cache-size=${slots} makes room`,
      details: { slots },
    },
  ];
}
