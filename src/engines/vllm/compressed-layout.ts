import type { Bytes, Tokens } from "../../units.ts";
import { type Versioned, versionRow } from "../versions.ts";
import {
  type CompressedPageOptions,
  type CompressedRow,
  compressedPages,
  isPackedFp8,
  type PagedLayers,
} from "./compressed-pages.ts";
import type { PageLayout } from "./page-layout.ts";

interface Packing extends Versioned {
  /**
   * What a block spans. `tuples`: the most layers of any group, each with one page of every size; `slots`: as many pages
   * of a size as the group with most of them has; `overlay`: what the largest group has, the others lie over it.
   */
  readonly block: "tuples" | "slots" | "overlay";
  /** Steps that may be scheduled before one is settled: async scheduling runs one ahead. */
  readonly batchesInFlight: number;
  /** Does the log weigh a group's blocks by the bytes of its own pages? */
  readonly logsBytes: boolean;
}

const TUPLES: Packing = {
  version: "0.20",
  date: "2026-04",
  // a start-up log with MTP: 14.45 GiB, 2,765,705 tokens at 1,048,576 = 14,752 blocks of 22 x 47,808 B, 5593 a request
  block: "tuples",
  batchesInFlight: 1,
  logsBytes: true,
};
// PR 44454: +1.16 % of tokens on Flash. A log of 0.23.0 on H200: 32.08 GiB, 1,247,687 tokens at 131,072; of 0.25.0 on
// RTX PRO 6000: 10.29 GiB, 1,993,100 at 1,048,576
const SLOTS: Packing = { ...TUPLES, version: "0.23", date: "2026-06", block: "slots" };

const PACKINGS: readonly [Packing, ...Packing[]] = [
  TUPLES,
  SLOTS,
  // PR 47728: blocks out of the window stay until the step that still reads them is settled
  { ...SLOTS, version: "0.26", date: "2026-07", batchesInFlight: 2 },
  // PRs 48993 (overlay) and 48317 (blocks, not bytes); a log of 0.31.1rc1 on H100: 47.43 GiB, 1,728,531 tokens at 262,144
  {
    version: "0.27",
    date: "2026-08",
    block: "overlay",
    batchesInFlight: 2,
    logsBytes: false,
  },
];

/** The backends of DeepSeek V4 take blocks of this many tokens (`get_preferred_block_size` in `mla/sparse_swa.py`). */
const BLOCK_TOKENS = 256;

export interface CompressedLayoutOptions extends Pick<CompressedPageOptions, "format"> {
  readonly blockTokens?: Tokens;
  readonly sparseBackend?: "flashmla" | "flashinfer";
  readonly version?: string;
}

/**
 * How vLLM cuts the cache of DeepSeek V4: one pool, whose block is at one time a block of one group.
 *
 *     groups        full attention is one; every kind of window (window 128 of 64 tokens, compressor states of 4 and 8)
 *                   is dealt into ceil(layers / g), g = the layers from full attention's on with least padding up to it
 *     page sizes    before 0.27 a window's page is padded to the next size that full attention has
 *     block         22 x 37,440 + 21 x 8640 + 20 x 1728 = 1,039,680 B for Flash with MTP (`slots`)
 *     log           0.20 to 0.26 weighs a group's blocks by its own bytes:
 *                   ceil(sum of blocks x bytes / bytes of full attention) blocks a request, less than it draws
 *
 * Not modelled: groups of a pipeline, which vLLM forms for the whole model and then cuts; DSpark's draft layers.
 * Source: vLLM `v1/core/kv_cache_utils.py`: `group_and_unify_kv_cache_specs`, `_get_kv_cache_groups_uniform_groups`,
 * `_get_kv_cache_config_packed`, `get_max_concurrency_for_kv_cache_config`.
 *
 * @example compressedLayout(flash_with_mtp, { format: fp8, version: "0.25" })
 * // 21 + 21 + 20, 22, 22, 21 + 21 and 20 layers; 1,048,576 tokens by 4096 draw 4096 + 2 x 67 + 1027 + 529 = 5786 blocks
 */
export function compressedLayout(
  rows: readonly CompressedRow[],
  { format, blockTokens = BLOCK_TOKENS, sparseBackend, version }: CompressedLayoutOptions,
): PageLayout {
  const packing = versionRow(PACKINGS, version);
  const plainRows = sparseBackend === "flashinfer" || !isPackedFp8(format);
  const tables = compressedPages(rows, { format, blockTokens, plainRows });
  const full = tables.filter(({ growth }) => growth.kind === "full");
  const windows = tables.filter(({ growth }) => growth.kind !== "full");
  const perGroup = leastPadding(tables.map(mostLayers), Math.max(1, ...full.map(mostLayers)));
  const sizes = full.flatMap(({ layersBySize }) => [...layersBySize.keys()]);
  const groups = [
    ...full,
    ...windows
      .flatMap((table) => dealt(table, perGroup))
      .map((table) => (packing.block === "overlay" ? table : padded(table, sizes))),
  ];
  return {
    bytesPerBlock: blockBytes(groups, packing.block),
    batchesInFlight: packing.batchesInFlight,
    groups: groups.map((group) => ({
      growth: group.growth,
      groups: 1,
      blockTokens: group.blockTokens,
      ...(packing.logsBytes ? { loggedBytes: bytesOf(group) } : {}),
    })),
  };
}

function blockBytes(groups: readonly PagedLayers[], block: Packing["block"]): Bytes {
  const slots = new Map<Bytes, number>();
  for (const { layersBySize } of groups)
    for (const [size, layers] of layersBySize) slots.set(size, Math.max(layers, slots.get(size) ?? layers));
  switch (block) {
    case "tuples":
      return sum(slots.keys()) * Math.max(...slots.values());
    case "slots":
      return bytesOf({ layersBySize: slots });
    case "overlay":
      return Math.max(...groups.map(bytesOf));
  }
}

type Layers = Pick<PagedLayers, "layersBySize">;

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

const mostLayers = ({ layersBySize }: Layers): number => Math.max(...layersBySize.values());

const bytesOf = ({ layersBySize }: Layers): Bytes =>
  sum([...layersBySize].map(([size, layers]) => size * layers));

/** `_approximate_gcd`: of the numbers from `least` on that with the least padding of all counts to multiples of it. */
function leastPadding(counts: readonly number[], least: number): number {
  let best = least;
  let bestPadding = Number.POSITIVE_INFINITY;
  for (let size = least; size <= Math.max(...counts); size++) {
    const padding = sum(counts.map((count) => Math.ceil(count / size) * size - count));
    if (padding <= bestPadding) [best, bestPadding] = [size, padding];
  }
  return best;
}

/** A window's layers in turn over as many groups as it takes: 43 by 22 make 22 and 21. */
function dealt(table: PagedLayers, perGroup: number): readonly PagedLayers[] {
  const groups = Math.ceil(mostLayers(table) / perGroup);
  return Array.from({ length: groups }, (_, turn) => ({
    ...table,
    layersBySize: new Map(
      [...table.layersBySize].map(([size, layers]) => [size, Math.ceil((layers - turn) / groups)]),
    ),
  }));
}

/** Pages as large as the next size of full attention; a larger one, which vLLM refuses, stays. */
function padded(table: PagedLayers, sizes: readonly Bytes[]): PagedLayers {
  const layersBySize = new Map<Bytes, number>();
  for (const [size, layers] of table.layersBySize) {
    const larger = sizes.filter((other) => other >= size);
    layersBySize.set(larger.length === 0 ? size : Math.min(...larger), layers);
  }
  return { ...table, layersBySize };
}
