/** The text decoders whose layers are all attention, one line per family. */
import type { Family } from "../family.ts";
import { bloom, falcon, mpt } from "./alibi.ts";
import { bailing } from "./bailing.ts";
import { chatglm } from "./chatglm.ts";
import { dbrx } from "./dbrx.ts";
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
import { deepseekV4 } from "./deepseek-v4.ts";
import { dots1, hyV3, solarOpen } from "./dots.ts";
import { ernie45Moe } from "./ernie-moe.ts";
import { exaone, exaone4, exaoneMoe } from "./exaone.ts";
import { afmoe, laguna, museGlimmerText } from "./gated-attention.ts";
import { gemma, gemma2, gemma3Text, vaultGemma } from "./gemma.ts";
import { glm, glm4, glm4Moe } from "./glm.ts";
import { codegen, gpt2, gptBigcode, gptj, gptNeo, gptNeox } from "./gpt.ts";
import { gptOss } from "./gpt-oss.ts";
import { graniteMoe, graniteMoeShared } from "./granite-moe.ts";
import { hunyuanDense, hunyuanMoe } from "./hunyuan.ts";
import { baichuan, internlm, internlm2, internlm3 } from "./internlm.ts";
import { cohere, cohere2, nemotron, orion, stablelm, starcoder2 } from "./layer-norm.ts";
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
import { llama4Text } from "./llama4.ts";
import { mimoV2 } from "./mimo-v2.ts";
import { minicpm } from "./minicpm.ts";
import { minimax, minimaxM2, minimaxM3 } from "./minimax.ts";
import { mixtral } from "./mixtral.ts";
import { nemotronNas } from "./nemotron-nas.ts";
import { flexOlmo, olmo, olmo2, olmo3, olmoe } from "./olmo.ts";
import { opt } from "./opt.ts";
import { phi, phi3, phi3small, phiMsft, phimoe } from "./phi.ts";
import { mimo, qwen2, qwen2Moe, qwen3, qwen3Moe } from "./qwen.ts";
import { qwen1 } from "./qwen1.ts";
import { step35 } from "./step.ts";

export const DECODERS: readonly Family[] = [
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
  starcoder2,
  stablelm,
  nemotron,
  orion,
  cohere,
  cohere2,
  olmo,
  olmo2,
  olmo3,
  olmoe,
  flexOlmo,
  glm,
  glm4,
  glm4Moe,
  gpt2,
  gptBigcode,
  gptNeo,
  gptj,
  codegen,
  gptNeox,
  bloom,
  mpt,
  falcon,
  opt,
  graniteMoe,
  graniteMoeShared,
  hunyuanDense,
  hunyuanMoe,
  ernie45Moe,
  dbrx,
  gptOss,
  llama4Text,
  deepseek,
  deepseekV2,
  deepseekV3,
  deepseekV32,
  deepseekV4,
  glm4MoeLite,
  glmMoeDsa,
  minicpm3,
  dots1,
  exaone,
  exaone4,
  minimax,
  minimaxM2,
  minimaxM3,
  mimoV2,
  laguna,
  step35,
  museGlimmerText,
  qwen1,
  internlm,
  internlm2,
  baichuan,
  chatglm,
  minicpm,
  bailing,
  nemotronNas,
  exaoneMoe,
  graniteSwa,
  solarOpen,
  hyV3,
  youtu,
  afmoe,
  internlm3,
  phi3small,
];
