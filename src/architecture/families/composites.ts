/** Models with vision or audio towers, one line per family, and decoders that are published with them. */
import type { Family } from "../family.ts";
import { qwen2Audio, qwen3Asr, voxtral } from "./audio-language.ts";
import { minicpmV, phi3Vision, qwenVl, vila } from "./custom-vision.ts";
import { falconPerception } from "./falcon-perception.ts";
import { museGlimmerText } from "./gated-attention.ts";
import { gemma3n, gemma3nText } from "./gemma3n.ts";
import { gemma4Text, gemma4UnifiedText } from "./gemma4.ts";
import { gemma4, gemma4Unified } from "./gemma4-whole.ts";
import { internvl, internvlChat } from "./internvl.ts";
import { gemma3, idefics3, llava, llavaNext, llavaOneVision, mistral3, paligemma } from "./llava.ts";
import { LLAVA_ORIGINALS } from "./llava-original.ts";
import { minimaxM3 } from "./minimax.ts";
import { mllama, mllamaText } from "./mllama.ts";
import { qwen3OmniThinker, qwen25OmniThinker } from "./omni.ts";
import { ayaVision, cohere2Vision, lfm2Vl } from "./pixel-shuffle.ts";
import { glm4v, glm4vMoe, qwen2Vl, qwen3Vl, qwen3VlMoe, qwen25Vl, qwen35, qwen35Moe } from "./qwen-vl.ts";
import { seeing } from "./seeing.ts";
import { kimiK3, kimiK25, llama4, minimaxM3Vl, museGlimmer } from "./vision-language.ts";

export const COMPOSITES: readonly Family[] = seeing([
  llava,
  llavaNext,
  llavaOneVision,
  ...LLAVA_ORIGINALS,
  mistral3,
  gemma3,
  gemma3n,
  gemma3nText,
  gemma4,
  gemma4Text,
  gemma4Unified,
  gemma4UnifiedText,
  falconPerception,
  paligemma,
  idefics3,
  qwen2Vl,
  qwen25Vl,
  qwen3Vl,
  qwen3VlMoe,
  qwen35,
  qwen35Moe,
  glm4v,
  glm4vMoe,
  kimiK25,
  kimiK3,
  minimaxM3Vl,
  minimaxM3,
  museGlimmer,
  museGlimmerText,
  llama4,
  mllama,
  mllamaText,
  internvl,
  internvlChat,
  ayaVision,
  cohere2Vision,
  lfm2Vl,
  phi3Vision,
  minicpmV,
  vila,
  qwenVl,
  qwen25OmniThinker,
  qwen3OmniThinker,
  qwen2Audio,
  voxtral,
  qwen3Asr,
]);
