/** The rarest models with towers, one line per family. */
import type { Family } from "../family.ts";
import { cosmosEdge, hyperClovaXVision, minicpmV46, qianfanOcr, step37 } from "./merged-patches.ts";

export const RARER_COMPOSITES: readonly Family[] = [
  qianfanOcr,
  hyperClovaXVision,
  minicpmV46,
  step37,
  cosmosEdge,
];
