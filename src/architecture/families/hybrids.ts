/** Text decoders that are recurrent or mix recurrent layers with attention, the well-known ones, one line per family. */
import type { Family } from "../family.ts";
import { jamba } from "./jamba.ts";
import { kimiLinear } from "./kimi-linear.ts";
import { lfm2, lfm2Moe } from "./lfm2.ts";
import { mamba, mamba2 } from "./mamba.ts";
import { bamba, falconH1, graniteMoeHybrid } from "./mamba2-hybrid.ts";
import { nemotronH } from "./nemotron-h.ts";
import { qwen3Next, qwen35MoeText, qwen35Text } from "./qwen3-next.ts";
import { rwkv5 } from "./rwkv.ts";

export const HYBRIDS: readonly Family[] = [
  mamba,
  mamba2,
  jamba,
  bamba,
  falconH1,
  graniteMoeHybrid,
  nemotronH,
  qwen3Next,
  qwen35Text,
  qwen35MoeText,
  kimiLinear,
  lfm2,
  lfm2Moe,
  rwkv5,
];
