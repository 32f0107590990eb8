/** The text decoders that most published configs name, one line per family: what a small command loads. */
import type { Family } from "../family.ts";
import {
  deepseek,
  deepseekV2,
  deepseekV3,
  deepseekV32,
  glm4MoeLite,
  glmMoeDsa,
  minicpm3,
  youtu,
} from "./deepseek.ts";
import { DRAFTS } from "./drafts.ts";
import { gemma, gemma2, gemma3Text, vaultGemma } from "./gemma.ts";
import { glm, glm4, glm4Moe } from "./glm.ts";
import { codegen, gpt2, gptBigcode, gptj, gptNeo, gptNeox } from "./gpt.ts";
import { gptOss } from "./gpt-oss.ts";
import {
  apertus,
  arcee,
  cwm,
  ernie45,
  granite,
  graniteSwa,
  helium,
  llama,
  llamaRenamed,
  ministral,
  ministral3,
  mistral,
  seedOss,
  smollm3,
} from "./llama.ts";
import { mixtral } from "./mixtral.ts";
import { phi, phi3, phi3small, phiMsft, phimoe } from "./phi.ts";
import { mimo, qwen2, qwen2Moe, qwen3, qwen3Moe } from "./qwen.ts";

export const MAIN_DECODERS: readonly Family[] = [
  llama,
  llamaRenamed,
  cwm,
  granite,
  seedOss,
  arcee,
  helium,
  apertus,
  smollm3,
  ernie45,
  mistral,
  ministral,
  ministral3,
  mixtral,
  qwen2,
  qwen2Moe,
  qwen3,
  qwen3Moe,
  mimo,
  gemma,
  gemma2,
  vaultGemma,
  gemma3Text,
  phi,
  phiMsft,
  phi3,
  phimoe,
  glm,
  glm4,
  glm4Moe,
  gpt2,
  gptBigcode,
  gptNeo,
  gptj,
  codegen,
  gptNeox,
  gptOss,
  deepseek,
  deepseekV2,
  deepseekV3,
  deepseekV32,
  glm4MoeLite,
  glmMoeDsa,
  minicpm3,
  graniteSwa,
  youtu,
  phi3small,
  ...DRAFTS,
];
