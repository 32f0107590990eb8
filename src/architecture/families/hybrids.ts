/** Text decoders that are recurrent or mix recurrent layers with attention, one line per family. */
import type { Family } from "../family.ts";
import { gemma3nText } from "./gemma3n.ts";
import { gemma4Text, gemma4UnifiedText } from "./gemma4.ts";
import { jamba } from "./jamba.ts";
import { kimiLinear } from "./kimi-linear.ts";
import { lfm2, lfm2Moe } from "./lfm2.ts";
import { mamba, mamba2 } from "./mamba.ts";
import { bamba, falconH1, graniteMoeHybrid } from "./mamba2-hybrid.ts";
import { mllamaText } from "./mllama.ts";
import { nemotronH } from "./nemotron-h.ts";
import { qwen3Next, qwen35MoeText, qwen35Text } from "./qwen3-next.ts";
import { recurrentGemma } from "./recurrent-gemma.ts";
import { rwkv5 } from "./rwkv.ts";
import { zamba2 } from "./zamba2.ts";

export const HYBRIDS: readonly Family[] = [
  mamba,
  mamba2,
  jamba,
  bamba,
  falconH1,
  graniteMoeHybrid,
  nemotronH,
  zamba2,
  qwen3Next,
  qwen35Text,
  qwen35MoeText,
  kimiLinear,
  lfm2,
  lfm2Moe,
  recurrentGemma,
  rwkv5,
  gemma3nText,
  gemma4Text,
  gemma4UnifiedText,
  mllamaText,
];
