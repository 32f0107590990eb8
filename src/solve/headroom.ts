/** How far a serving estimate is from a limit: the one comparison that every inverse question uses. */
import { checkBudget } from "../budget.ts";
import type { EstimateResult } from "../estimate/serve.ts";
import type { Bytes } from "../units.ts";

/**
 * Bytes to spare on the tightest device; negative when it does not fit: `limit - need`, and in a pool what it has
 * beyond the request, whichever is less. The verdict of `checkBudget`, as a number to search with.
 */
export const headroomOf = (
  need: Pick<EstimateResult, "total" | "poolSpareBytes" | "startBytes">,
  budgetBytes: Bytes,
): number => checkBudget(need, { bytes: budgetBytes }).headroom;
