/** Other names of the values that training options take: what trainers, papers and their own configurations call them. */
import type { AttentionCode } from "../memory/training/pass.ts";
import type { Sharding } from "../memory/training/sharding.ts";
import type { EffectiveTrain } from "./effective-train.ts";
import type { Framework, Precision } from "./train-request.ts";

type Names<T extends string> = { readonly [name: string]: T };

/** Trainers that run the training code of a framework which is sized, and what they add to it is not. */
export const TRAINERS = {
  trl: "hf",
  axolotl: "hf",
  "llama-factory": "hf",
  llamafactory: "hf",
  "ms-swift": "hf",
  swift: "hf",
  nemo: "megatron",
} as const satisfies Names<Framework>;

/** The same thing under another name. */
export const FRAMEWORK_ALIASES = {
  transformers: "hf",
  peft: "hf",
  accelerate: "hf",
  torchtitan: "fsdp",
  "megatron-lm": "megatron",
  "megatron-core": "megatron",
  "lit-gpt": "litgpt",
} as const satisfies Names<Framework>;

export type FrameworkName = Framework | keyof typeof TRAINERS | keyof typeof FRAMEWORK_ALIASES;

/** What libraries call their kernels. */
export const ATTENTION_ALIASES: Names<AttentionCode> = {
  "flash-attention": "flash",
  "flash-attention-2": "flash",
  "flash-attention-3": "flash",
  "flash-attn": "flash",
  fa2: "flash",
  fa3: "flash",
};

/** What libraries call the loss that never makes the logits. */
export const LOSS_ALIASES: Names<EffectiveTrain["loss"]> = {
  liger: "fused",
  "fused-linear-cross-entropy": "fused",
};

/** Lightning's names (`bf16-mixed`, `bf16-true`) and those of types. */
export const PRECISION_ALIASES: Names<Precision> = {
  "bf16-mixed": "amp-bf16",
  "fp16-mixed": "amp-fp16",
  "16-mixed": "amp-fp16",
  "bf16-amp": "amp-bf16",
  "fp16-amp": "amp-fp16",
  "bf16-true": "bf16",
  "16-true": "fp16",
  "32-true": "fp32",
  bfloat16: "bf16",
  float16: "fp16",
  half: "fp16",
  float32: "fp32",
};

/** What PyTorch, DeepSpeed and Megatron call their sharding. */
export const SHARDING_ALIASES: Names<Sharding> = {
  fsdp1: "fsdp",
  "full-shard": "fsdp",
  simplefsdp: "simple-fsdp",
  "zero-1": "zero1",
  "zero-2": "zero2",
  "zero-3": "zero3",
  "distributed-optimizer": "zero1",
};

/** A name as the tables have it: "flash_attention_2" and "Flash-Attention-2" are one. */
export const spelled = (name: string): string => name.toLowerCase().replaceAll("_", "-");

/** The framework whose training code a name stands for; a name that is none stays what it is. */
export const frameworkOf = (name: FrameworkName): Framework => {
  const wanted = spelled(name);
  const known: Names<Framework> = { ...TRAINERS, ...FRAMEWORK_ALIASES };
  return Object.hasOwn(known, wanted) ? known[wanted]! : (wanted as Framework);
};

/** Whether a name is that of a trainer, which is sized as the framework under it. */
export const isTrainer = (name: string): boolean => Object.hasOwn(TRAINERS, spelled(name));
