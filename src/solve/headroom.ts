/** How far a serving estimate is from a limit: the one comparison that every inverse question uses. */
import type { EstimateResult } from "../estimate/estimate.ts";
import type { Bytes } from "../units.ts";

/**
 * Bytes to spare on the tightest device; negative when it does not fit.
 *
 *     device   limit - need
 *     pool     (blocks of the pool - sequences / dp * blocks of one) * bytes of a block
 *
 * An engine that cuts a pool from a part of the card (vLLM, SGLang) has to find room for all sequences at
 * their longest in that pool, however much of the card lies outside it.
 *
 * @example 27,716 blocks of 2 MiB, 55 sequences of 512 blocks: (27,716 - 28,160) x 2 MiB = -931_135_488
 */
export function headroomOf(
  { devices, total, request }: Pick<EstimateResult, "devices" | "total" | "request">,
  budgetBytes: Bytes,
): number {
  let headroom = budgetBytes - total.bytes;
  const replicas = typeof request.dp === "number" ? request.dp : 1;
  const sequences = Math.ceil((request.batch ?? 1) / replicas);
  for (const { pool } of devices) {
    if (pool === undefined) continue;
    const spare = (pool.blocks - sequences * pool.blocksPerRequest) * pool.bytesPerBlock;
    if (spare < headroom) headroom = spare;
  }
  return headroom;
}
