import type { Degrees } from "../../parallelism/degrees.ts";
import { type Bytes, GiB, type Tokens } from "../../units.ts";
import type { EngineCard } from "../engine.ts";
import { prefillCaptures } from "./graphs.ts";
import type { SglangVersion, Tier } from "./versions.ts";

const MiB = 2 ** 20;

export interface SglangDefaults {
  readonly chunkedPrefillTokens: Tokens;
  readonly memFractionStatic: number;
  /** Largest batch that CUDA graphs are captured for. */
  readonly graphBatch: number;
}

/** The flags and the model that the defaults follow from. */
export interface DefaultsRequest {
  readonly version: SglangVersion;
  readonly degrees: Pick<Degrees, "tp" | "pp" | "dp" | "ep">;
  /** `--chunked-prefill-size`; -1 reads a prompt whole. */
  readonly chunkedPrefillTokens?: Tokens;
  /** `--cuda-graph-max-bs`. */
  readonly graphBatch?: number;
  /** Are decode graphs, and prefill graphs where the release has them, switched off? */
  readonly graphsOff: { readonly decode: boolean; readonly prefill: boolean };
  /** Latent attention, whose prefill graphs stop at 2048 tokens. */
  readonly latent: boolean;
}

/** `max_prefill_tokens`: what is read at once where prompts are not cut. */
const WHOLE_PROMPTS: Tokens = 16_384;
const LATENT_PREFILL: Tokens = 2048;

/** Attention that each replica does alone, with the experts spread over all of them: `--enable-dp-attention`. */
export const replicatesAttention = ({ dp, ep }: Pick<Degrees, "dp" | "ep">): boolean => dp > 1 && ep > 1;

/**
 * What SGLang derives from the card where no flag says otherwise. `card` is what nvidia-smi prints.
 *
 *     before 0.4.7  0.88, 0.87, 0.85, 0.81, 0.79 from 1, 2, 4, 8, 16 ranks on
 *     before 0.5.3  1 - aside(card, ranks) / card: 9.5 GiB + ranks / 2 GiB on 80 GB
 *     since         1 - reserved / card, to three places
 *       reserved    512 + 1.5 * max(chunk, 2048) + 2 * graph batch + ranks / 8 * 1024 MiB, at least 10 GiB on cards of
 *                   more than 60 GiB; from 0.5.10 on + 8 for each prefill graph;
 *                   replicated attention: + 3 * graph batch * dp, half as much again from a batch of 301 on
 *
 * Source: sglang `server_args.py` `_handle_gpu_memory_settings`, later `arg_groups`. Not modelled: speculative
 * decoding (2 GiB more), DeepEP, the smaller fraction of models with a tower, sizing after capture, which is off.
 *
 * @example sglangDefaults({ totalBytes: 24_564 MiB }, one rank, 0.5.9).memFractionStatic
 * // 0.847 = 1 - (512 + 3072 + 48 + 128) / 24,564
 */
export function sglangDefaults(card: EngineCard | undefined, request: DefaultsRequest): SglangDefaults {
  const { version, degrees } = request;
  const ranks = degrees.tp * degrees.pp * (replicatesAttention(degrees) ? degrees.dp : 1);
  const tensorRanks = ranks / degrees.pp;
  const memory = card === undefined ? undefined : (card.smiTotalBytes ?? card.totalBytes);
  const tier = memory === undefined ? undefined : version.tiers.find(({ below }) => memory < below)!;
  const chunkedPrefillTokens = request.chunkedPrefillTokens ?? (tier ?? version.unknownCard).chunk;
  const graphBatch =
    request.graphBatch ?? tier?.graphBatch[tensorRanks < 4 ? 0 : 1] ?? version.unknownCard.graphBatch;
  const fraction = fractionOf(request, { memory, tier, ranks, chunkedPrefillTokens, graphBatch });
  return { chunkedPrefillTokens, memFractionStatic: Math.max(0, fraction), graphBatch };
}

interface Sized {
  readonly memory: Bytes | undefined;
  readonly tier: Tier | undefined;
  readonly ranks: number;
  readonly chunkedPrefillTokens: Tokens;
  readonly graphBatch: number;
}

function fractionOf(request: DefaultsRequest, sized: Sized): number {
  const { version, degrees } = request;
  const { memory, tier, ranks } = sized;
  switch (version.reserve) {
    case "by-ranks":
      return version.rankFractions.find(([from]) => ranks >= from)![1];
    case "by-tier": {
      if (memory === undefined) return UNKNOWN_CARD;
      const [base, perRank] = tier!.aside!;
      const attention = replicatesAttention(degrees) ? 4096 : 0;
      return threePlaces(1 - ((base + perRank * ranks + attention) * MiB) / memory);
    }
    case "by-use": {
      if (memory === undefined) return UNKNOWN_CARD;
      const asked = reservedMiB(request, sized) * MiB;
      const reserved = memory > 60 * GiB ? Math.max(asked, 10 * GiB) : asked;
      return threePlaces(1 - reserved / memory);
    }
  }
}

const UNKNOWN_CARD = 0.88;
const threePlaces = (share: number): number => Math.round(1000 * share) / 1000;

function reservedMiB(
  { version, degrees, graphsOff, latent }: DefaultsRequest,
  { ranks, chunkedPrefillTokens, graphBatch }: Sized,
): number {
  const read = chunkedPrefillTokens > 0 ? chunkedPrefillTokens : WHOLE_PROMPTS;
  const decode = graphsOff.decode && version.prefillGraphs ? 0 : 2 * graphBatch;
  const attention = replicatesAttention(degrees) ? (graphBatch > 300 ? 4.5 : 3) * graphBatch * degrees.dp : 0;
  const captured = latent ? LATENT_PREFILL : read;
  const prefill =
    !version.prefillGraphs || graphsOff.prefill
      ? 0
      : latent && version.latentPrefillGraphs !== undefined
        ? version.latentPrefillGraphs / MiB
        : 8 * prefillCaptures(captured);
  return 512 + 1.5 * Math.max(read, 2048) + decode + (ranks / 8) * 1024 + attention + prefill;
}
