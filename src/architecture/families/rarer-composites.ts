/** The rarest models with towers, one line per family. */
import type { Family } from "../family.ts";
import { blip, fuyu, git } from "./captioners.ts";
import { florence2 } from "./florence.ts";
import { idefics } from "./idefics.ts";
import { janus } from "./janus.ts";
import { kosmos25 } from "./kosmos25.ts";
import { cosmosEdge, hyperClovaXVision, minicpmV46, qianfanOcr, step37 } from "./merged-patches.ts";

export const RARER_COMPOSITES: readonly Family[] = [
  florence2,
  idefics,
  janus,
  git,
  blip,
  fuyu,
  kosmos25,
  qianfanOcr,
  hyperClovaXVision,
  minicpmV46,
  step37,
  cosmosEdge,
];
