/** How far a serving estimate is from a limit: the one comparison that every inverse question uses. */
import type { EstimateResult } from "../estimate/estimate.ts";
import type { Bytes } from "../units.ts";

/**
 * Bytes to spare on the tightest device; negative when it does not fit: `limit - need`, and in a pool what it has
 * beyond the request, whichever is less. The verdict of `checkBudget`, as a number to search with.
 */
export const headroomOf = (
  { total, poolSpareBytes }: Pick<EstimateResult, "total" | "poolSpareBytes">,
  budgetBytes: Bytes,
): number => Math.min(budgetBytes - total.bytes, poolSpareBytes ?? Number.POSITIVE_INFINITY);
