import type { CommandEntry } from "./command.ts";

/** Every command besides the default one, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "train",
    summary: "memory to train: full, LoRA, QLoRA, on one card or thousands",
    examples: [
      "vram-calc train llama-3.1-8b --method qlora --seq 4k --gpu rtx-4090",
      "vram-calc train qwen2.5-7b --dp 8 --sharding fsdp2 --checkpointing full",
    ],
    load: async () => (await import("./train.ts")).defineTrain,
  },
  {
    name: "inspect",
    summary: "what a model is made of: parameters, layers, cache, linears, padding rows",
    examples: ["vram-calc inspect qwen3-0.6b", "vram-calc inspect llama-3.1-8b --lora r=32"],
    load: async () => (await import("./inspect.ts")).defineInspect,
  },
  {
    name: "fit",
    summary: "what fits on a card: a grid, or the longest context, largest batch or best format",
    examples: [
      "vram-calc fit llama-3.1-8b --gpu rtx-4090",
      "vram-calc fit qwen3-32b --gpu rtx-4090 --solve format",
    ],
    load: async () => (await import("./fit.ts")).defineFit,
  },
  {
    name: "check",
    summary: "hold a file of models and limits: exit 1 when one does not fit; reports for CI",
    examples: ["vram-calc check", "vram-calc check vram-budget.yaml --report markdown"],
    load: async () => (await import("./check.ts")).defineCheck,
  },
  {
    name: "jsonl",
    summary: "requests for scripts: a JSON object per line in, a result per line out",
    examples: ["vram-calc jsonl"],
    load: async () => (await import("./jsonl.ts")).defineJsonl,
  },
  {
    name: "compare",
    summary: "several models, formats and contexts in one table",
    examples: ["vram-calc compare llama-3.1-8b qwen3-14b --dtype bf16,q4_k_m --context 8k,32k"],
    load: async () => (await import("./compare.ts")).defineCompare,
  },
  {
    name: "plot",
    summary: "curves of activations and losses, exact and through a format; memory against context or batch",
    examples: ["vram-calc plot gelu silu --dtype fp8", "vram-calc plot memory qwen2.5-14b --gpu rtx-4090"],
    load: async () => (await import("./plot.ts")).definePlot,
  },
  {
    name: "formats",
    summary: "number formats: the table, one explained bit by bit, or a value encoded in it",
    examples: ["vram-calc formats", "vram-calc formats fp16", "vram-calc formats bf16 fp8 3.14159"],
    load: async () => (await import("./formats.ts")).defineFormats,
  },
  {
    name: "gpus",
    summary: "accelerators and the memory that their drivers report",
    examples: ["vram-calc gpus rtx 40", "vram-calc gpus hopper"],
    load: async () => (await import("./gpus.ts")).defineGpus,
  },
  {
    name: "completion",
    summary: "a script that completes commands, flags and names in bash, zsh or fish",
    examples: ["vram-calc completion bash", "vram-calc completion fish"],
    load: async () => (await import("./completion.ts")).defineCompletion,
  },
];
