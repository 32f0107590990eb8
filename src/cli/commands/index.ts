import type { CommandEntry } from "./command.ts";

/** Every command besides the default one, in the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "train",
    summary: "memory to train: full, LoRA, QLoRA, on one card or thousands",
    load: async () => (await import("./train.ts")).defineTrain,
  },
  {
    name: "inspect",
    summary: "what a model is made of: parameters, layers, cache, linears, padding rows",
    load: async () => (await import("./inspect.ts")).defineInspect,
  },
  {
    name: "fit",
    summary: "what fits on a card: a grid, or the longest context, largest batch or best format",
    load: async () => (await import("./fit.ts")).defineFit,
  },
  {
    name: "compare",
    summary: "several models, formats and contexts in one table",
    load: async () => (await import("./compare.ts")).defineCompare,
  },
  {
    name: "plot",
    summary: "curves of activations and losses, exact and through a format; memory against context or batch",
    load: async () => (await import("./plot.ts")).definePlot,
  },
  {
    name: "formats",
    summary: "number formats: the table, one explained bit by bit, or a value encoded in it",
    load: async () => (await import("./formats.ts")).defineFormats,
  },
  {
    name: "gpus",
    summary: "accelerators and the memory that their drivers report",
    load: async () => (await import("./gpus.ts")).defineGpus,
  },
];
