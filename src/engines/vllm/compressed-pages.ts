import type { CompressedMixer } from "../../architecture/mixers/mixer.ts";
import { KV_FORMATS } from "../../formats/kv-formats.ts";
import type { Bytes, Tokens } from "../../units.ts";
import type { CacheFormat } from "../cache-format.ts";
import type { GroupGrowth } from "./page-layout.ts";

/** Caches that grow alike and share one block table; how many layers have a page of which size. */
export interface PagedLayers {
  readonly growth: GroupGrowth;
  readonly blockTokens: Tokens;
  readonly layersBySize: ReadonlyMap<Bytes, number>;
}

export interface CompressedRow {
  readonly mixer: CompressedMixer;
  readonly layers: number;
}

export interface CompressedPageOptions {
  readonly format: CacheFormat;
  readonly blockTokens: Tokens;
  /** Rows of the format as it is instead of fp8_ds_mla's 584 B: FlashInfer's backend on SM100, and every bf16 cache. */
  readonly plainRows: boolean;
}

/** Window pages hold 64 tokens, so that they are as large as the 256 / 4 latents of a page (`mla/sparse_swa.py`). */
const WINDOW_BLOCK_TOKENS = 64;
/** Latents in fp32 per page of a compressor's state, for the same end (`deepseek_v4/compressor.py`, CompressorStateCache). */
const STATE_BLOCK_TOKENS = 8;
/** Ratio at which neighbouring windows overlap: the compressor then keeps two latents per token, of two windows. */
const OVERLAPPING_RATIO = 4;
const FP32_BYTES = 4;
/** Pages are multiples of this: FlashMLA's paged layout, FlashInfer's plain rows. */
const PAGE_ALIGNMENT = { packed: 576, plain: 512 };

const DS_MLA = KV_FORMATS.get("fp8_ds_mla")!;

/** The indexer keeps fp8 keys with one fp32 scale per 128 values, whatever the cache format: 132 B for 128. */
export const indexKeyBytes = DS_MLA.keyBytesPerVector;

/** fp8_ds_mla is what vLLM makes of "fp8" where the backend has the packed layout. */
export const isPackedFp8 = ({ id }: CacheFormat): boolean => id === "fp8" || id === "fp8_ds_mla";

/**
 * The pages that DeepSeek V4's layers ask for, by block table.
 *
 *     latents           up(blockTokens / ratio * row)        row = 584 B packed, head * bytes plain
 *     index keys        up(blockTokens / ratio * 132 B)      ratio 4 only
 *     window            up(64 * row)                         every layer
 *     compressor state  up(4 * 2 * 2 * head * 4 B), window 2 * 4           ratio 4: fp32, values and scores
 *                       up(8 * 2 * 1 * head * 4 B), window 128             ratio 128
 *     its indexer's     up(4 * 2 * 2 * 128 * 4 B), window 2 * 4            ratio 4
 *
 * `up` rounds to 576 B for packed rows and to 512 for plain ones, whose states are not rounded.
 * Not modelled: an MXFP4 index cache (68 B a key, opt-in), ROCm's and XPU's layouts.
 * Source: vLLM 0.25 `models/deepseek_v4/{attention,compressor}.py`, `v1/attention/backends/mla/sparse_swa.py`.
 *
 * @example Flash, blocks of 256: 64 x 584 = 37,376 -> 37,440 B of latents at ratio 4, 2 x 584 -> 1,728 B at 128,
 * // 64 x 132 = 8448 -> 8640 B of index keys, 4 x 2048 x 4 = 32,768 -> 32,832 B of state
 */
export function compressedPages(
  rows: readonly CompressedRow[],
  { format, blockTokens, plainRows }: CompressedPageOptions,
): readonly PagedLayers[] {
  const rowFormat = plainRows ? format : DS_MLA;
  const alignment = plainRows ? PAGE_ALIGNMENT.plain : PAGE_ALIGNMENT.packed;
  const up = (bytes: Bytes): Bytes => Math.ceil(bytes / alignment) * alignment;
  const tables = new Map<string, PagedLayers & { readonly layersBySize: Map<Bytes, number> }>();
  for (const { mixer, layers } of rows) {
    const { headDim, indexer, ratio, windowTokens } = mixer;
    const add = (growth: GroupGrowth, tokens: Tokens, size: Bytes): void => {
      const key = JSON.stringify([growth, tokens]);
      const table = tables.get(key) ?? { growth, blockTokens: tokens, layersBySize: new Map() };
      tables.set(key, table);
      table.layersBySize.set(size, layers + (table.layersBySize.get(size) ?? 0));
    };
    const rowBytes = rowFormat.keyBytesPerVector(headDim);
    add({ kind: "window", windowTokens }, WINDOW_BLOCK_TOKENS, up(WINDOW_BLOCK_TOKENS * rowBytes));
    if (ratio === 0) continue;
    const kept = ratio === OVERLAPPING_RATIO ? 2 : 1;
    const tokens = STATE_BLOCK_TOKENS / kept;
    const cache = (latentBytes: Bytes, dim: number): void => {
      add({ kind: "full" }, blockTokens, up(Math.floor(blockTokens / ratio) * latentBytes));
      const state = tokens * 2 * kept * dim * FP32_BYTES;
      add({ kind: "window", windowTokens: kept * ratio }, tokens, plainRows ? state : up(state));
    };
    cache(rowBytes, headDim);
    if (indexer !== undefined) cache(indexKeyBytes(indexer.keyDim), indexer.keyDim);
  }
  return [...tables.values()];
}
