import type { Degrees } from "../../parallelism/degrees.ts";
import { type Bytes, GiB, type Tokens } from "../../units.ts";
import type { EngineCard } from "../engine.ts";

const MiB = 2 ** 20;

interface Tier {
  /** Cards with less than this. */
  readonly below: Bytes;
  readonly chunk: Tokens;
  /** Largest batch that CUDA graphs are captured for, up to three tensor ranks and from four on. */
  readonly graphBatch: readonly [few: number, many: number];
}

const TIERS: readonly Tier[] = [
  { below: 20 * GiB, chunk: 2048, graphBatch: [8, 8] },
  { below: 35 * GiB, chunk: 2048, graphBatch: [24, 80] },
  { below: 60 * GiB, chunk: 4096, graphBatch: [32, 160] },
  { below: 160 * GiB, chunk: 8192, graphBatch: [256, 512] },
  { below: Number.POSITIVE_INFINITY, chunk: 16_384, graphBatch: [512, 512] },
];

const UNKNOWN_CARD: Omit<Tier, "below"> = { chunk: 4096, graphBatch: [160, 160] };

export interface SglangDefaults {
  readonly chunkedPrefillTokens: Tokens;
  readonly memFractionStatic: number;
  /** Largest batch that CUDA graphs are captured for. */
  readonly graphBatch: number;
  /** What the engine sets aside for its attention backend and for CUDA graphs. */
  readonly workspace: Bytes;
}

/**
 * What SGLang derives from the card where no flag says otherwise.
 *
 *     reserved  512 MiB + 1.5 MiB * max(chunk, 2048) + 2 MiB * graph batch + tp * pp / 8 GiB
 *               at least 10 GiB on cards of more than 60 GiB
 *     fraction  round((card - reserved) / card, 3); 0.88 for an unknown card
 *
 * Source: sglang `server_args.py` `_handle_gpu_memory_settings`, 0.5. Not modelled: attention data parallelism,
 * speculative decoding, piecewise graphs, and the smaller fraction of models with a tower.
 *
 * @example sglangDefaults({ totalBytes: 24_564 MiB }, one rank).memFractionStatic
 * // 0.847 = 1 - (512 + 3072 + 48 + 128) / 24,564
 */
export function sglangDefaults(
  card: EngineCard | undefined,
  at: { readonly degrees: Pick<Degrees, "tp" | "pp">; readonly chunkedPrefillTokens?: Tokens },
): SglangDefaults {
  const { tp, pp } = at.degrees;
  const tier = card === undefined ? UNKNOWN_CARD : TIERS.find(({ below }) => card.totalBytes < below)!;
  const chunkedPrefillTokens = at.chunkedPrefillTokens ?? tier.chunk;
  const graphBatch = tier.graphBatch[tp < 4 ? 0 : 1];
  const workspace = (512 + 2 * graphBatch) * MiB;
  if (card === undefined) return { chunkedPrefillTokens, memFractionStatic: 0.88, graphBatch, workspace };
  const asked = workspace + 1.5 * MiB * Math.max(chunkedPrefillTokens, 2048) + ((tp * pp) / 8) * GiB;
  const reserved = card.totalBytes > 60 * GiB ? Math.max(asked, 10 * GiB) : asked;
  const fraction = Math.round((1000 * (card.totalBytes - reserved)) / card.totalBytes) / 1000;
  return { chunkedPrefillTokens, memFractionStatic: Math.max(0, fraction), graphBatch, workspace };
}
