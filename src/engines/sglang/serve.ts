import type { Architecture, Note } from "../../architecture/model.ts";
import { defined } from "../../defined.ts";
import { exactTerm, type Term } from "../../memory/term.ts";
import { deviceShares } from "../../parallelism/share.ts";
import type { Tokens } from "../../units.ts";
import type { EngineDevice, EngineResult } from "../engine.ts";
import { contextTerm } from "../process-overhead.ts";
import { roundingTerm } from "../torch-allocator.ts";
import { segmentRounding } from "../torch-segments.ts";
import type { BlockPool } from "../vllm/block-pool.ts";
import { wideRotaryBytes } from "../vllm/profile.ts";
import { runningRequests, sglangPool, slotsPerRequest, windowRatio } from "./pool.ts";
import { type Setting, type SglangInput, settingOf } from "./setting.ts";
import { type TokenBytes, tokenBytes } from "./token-bytes.ts";
import { activationTerm, communicationOf, workspaceTerm } from "./workspace.ts";

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
 * // 297,359; the log says 298,447
 */
export function serveOnSglang(input: SglangInput): EngineResult {
  const setting = settingOf(input);
  const { version, defaults } = setting;
  const devices = stagesOf(setting);
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

/** On a pipeline every stage gets as many tokens as the poorest one. */
function stagesOf(setting: Setting): readonly EngineDevice[] {
  const { input } = setting;
  const shares = deviceShares(input.model, input.degrees);
  const stages = (at: Setting): readonly EngineDevice[] =>
    shares.map(({ id, count, share }, stage) => {
      const { terms, pool } = stageParts(share, at, stage === shares.length - 1);
      return { id, count, held: share, terms, ...(pool === null ? {} : { pool }) };
    });
  const alone = stages(setting);
  const tokens = alone.flatMap(({ pool }) => (pool === undefined ? [] : [pool.tokens]));
  const fewest = Math.min(...tokens);
  return tokens.every((held) => held === fewest)
    ? alone
    : stages({ ...setting, input: { ...input, maxTotalTokens: fewest } });
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
    terms.push(roundingTerm(rounding, "by which segments are larger than the weights in them"));
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
  const { pageTokens = 1 } = input;
  const blocksPerRequest = pagedTokens(input) / pageTokens;
  const idle = pool.slots - sequences * slotsPerRequest(input);
  return {
    terms,
    pool: {
      blocks: pool.tokens / pageTokens,
      bytesPerBlock: Math.ceil(pool.perToken * pageTokens),
      blocksPerRequest,
      maxConcurrency: pool.tokens / pageTokens / blocksPerRequest,
      tokens: pool.tokens,
      ...(each.state === 0 ? {} : { idleBytes: idle * each.state }),
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

/** A state pool that does not hold the sequences asked for at once. */
function slotNotes(devices: readonly EngineDevice[], input: SglangInput): readonly Note[] {
  const short = devices.some(({ pool }) => pool?.idleBytes !== undefined && pool.idleBytes < 0);
  if (!short) return [];
  const slots = Math.ceil(input.sequences / input.degrees.dp) * slotsPerRequest(input);
  return [
    {
      code: "state-slots",
      message: `the pool of states has too few slots for that many sequences at once, which take --set max-mamba-cache-size=${slots}`,
      details: { slots },
    },
  ];
}
