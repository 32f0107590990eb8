/** Models with vision or audio towers, one line per family. */
import type { Family } from "../family.ts";
import { qwen2Audio, qwen3Asr, voxtral } from "./audio-language.ts";
import { gemma3n } from "./gemma3n.ts";
import { gemma4 } from "./gemma4.ts";
import { gemma3, idefics3, llava, llavaNext, llavaOneVision, mistral3, paligemma } from "./llava.ts";
import { mllama } from "./mllama.ts";
import { glm4v, glm4vMoe, qwen2Vl, qwen3Vl, qwen3VlMoe, qwen25Vl, qwen35, qwen35Moe } from "./qwen-vl.ts";
import { kimiK25, llama4, minimaxM3Vl, museGlimmer } from "./vision-language.ts";

export const COMPOSITES: readonly Family[] = [
  llava,
  llavaNext,
  llavaOneVision,
  mistral3,
  gemma3,
  gemma3n,
  gemma4,
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
  minimaxM3Vl,
  museGlimmer,
  llama4,
  mllama,
  qwen2Audio,
  voxtral,
  qwen3Asr,
];
