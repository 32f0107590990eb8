import type { Architecture } from "../../architecture/model.ts";
import type { Term } from "../../memory/term.ts";
import type { Bytes } from "../../units.ts";
import type { EngineCard, ServingInput } from "../engine.ts";
import { peakElements, widestLayer } from "../layer-widths.ts";
import { communicationTerm, linkedRanks, talkingRanks } from "../process-overhead.ts";
import { sglangGraphs } from "./graphs.ts";
import type { Setting } from "./setting.ts";

const MiB = 2 ** 20;

/** The widest layer over a chunk of prompts. */
export function activationTerm(
  share: Architecture,
  { setting, sequences }: { readonly setting: Setting; readonly sequences: number },
): Term {
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
export function communicationOf({ card, degrees }: ServingInput): Term | null {
  const linked = communicationTerm(talkingRanks(degrees));
  if (linked === null || card === undefined || linkedRanks(card)) return linked;
  return { ...linked, bytes: 160 * MiB, low: 64 * MiB, high: 400 * MiB, inputs: { mebibytes: 160 } };
}

/** What the attention kernels keep: those of Hopper (from 0.4.6) next to nothing, FlashInfer about 0.5 GiB. */
const attentionWorkspace = (card: EngineCard | undefined): Bytes =>
  card?.generation === "hopper" ? 64 * MiB : 512 * MiB;

/**
 * What a run keeps beside weights and pools.
 *
 *     rotary tables in fp32 + requests * (context + 4) * 4 B + attention + graphs
 *
 * Source: `ReqToTokenPool` of `mem_cache/memory_pool.py`; 4 tokens are room for a page's end.
 *
 * @example 3730 requests of 40,960 tokens take 0.57 GiB of table
 */
export function workspaceTerm(
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
