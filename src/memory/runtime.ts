import type { Term } from "./term.ts";

const MIB = 2 ** 20;

/**
 * What a process takes on the card before it holds one tensor: driver context, libraries' handles and
 * workspaces. Without a named engine and card this is a stated guess.
 *
 * Readings it is set by: 0.51 GiB on an H100 with CUDA 12 and lazy loading (llm-d study), about 0.5 GiB
 * for small CUDA programs, 1343 MiB on a V100 with CUDA 11.2 and eager loading (Hugging Face BERT page).
 */
export const GENERIC_RUNTIME: Term = {
  id: "runtime",
  bytes: 600 * MIB,
  low: 300 * MIB,
  high: 1400 * MIB,
  basis: "assumed",
  formula: "{mebibytes} MiB of driver context and library handles",
  inputs: { mebibytes: 600 },
};
