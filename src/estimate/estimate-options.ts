/** What may be asked of a serving estimate. */
import type { EngineCard } from "../engines/engine.ts";
import type { AttentionImplementation } from "../memory/attention-mask.ts";
import type { ImagesRequest } from "../memory/images-request.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import type { Bytes, Tokens } from "../units.ts";
import type { DraftModel } from "./draft.ts";
import type { ServedAdapters } from "./served-adapters.ts";

/** What may be asked of a serving estimate. Everything has a default, and the result says which were taken. */
export interface EstimateOptions {
  /** How weights are stored: "fp16", "q4_k_m", "awq", ... Default: as published, else bf16. */
  readonly dtype?: string;
  /**
   * Format of the KV cache, or keys and values apart: "q8_0/q4_0". Default, also "auto": 16 bits, bf16 where the model
   * is.
   */
  readonly kvDtype?: string;
  /** The cache format whose scales the checkpoint carries: vLLM's default for it when `kvDtype` is absent. */
  readonly calibratedKv?: string;
  /** Tokens kept per sequence. Default: 4096, or the model's maximum if that is smaller. */
  readonly contextTokens?: Tokens;
  /**
   * Sequences on the card at once. Default 1. Each keeps a cache of its own: prompts that share a prefix need
   * less where an engine caches prefixes, so the result is an upper bound for them.
   */
  readonly batch?: number;
  /** Weights and nothing else. */
  readonly weightsOnly?: boolean;
  /** How the model's own files store the weights; taken when `dtype` is absent. */
  readonly stored?: WeightStorage;
  /** "generic" (default), or an engine, "vllm@0.19" at a version. */
  readonly engine?: string;
  /** Ranks that divide each layer. Default 1. */
  readonly tp?: number;
  /** Stages that divide the layers. Default 1. */
  readonly pp?: number;
  /** Ranks that divide the experts whole. Default 1. */
  readonly ep?: number;
  /** Replicas that divide the sequences. Default 1. */
  readonly dp?: number;
  /**
   * Equal cards that there are. Without degrees the model is laid out over all of them: tensor parallelism within
   * a server of 8, then stages; llama.cpp divides layers.
   */
  readonly devices?: number;
  /** The card, for engines that take a part of it and for what depends on its generation. */
  readonly card?: EngineCard;
  /** Flags of the engine by their names there: gpuMemoryUtilization, maxNumSeqs, gpuLayers, ... */
  readonly engineOptions?: EngineFlags;
  /** Attention implementation, for masks and scores. Default: one that makes neither. */
  readonly attention?: AttentionImplementation;
  /** Sequences of the batch differ in length and are padded to the longest, so SDPA makes a mask. */
  readonly padded?: boolean;
  /** LoRA adapters served beside the base; merged ones cost nothing and are not given. */
  readonly lora?: ServedAdapters;
  /** A smaller model that proposes tokens: its weights, and a cache of the same context and sequences. */
  readonly draft?: DraftModel;
  /** Tokens that the model's own prediction layers propose; loads those layers. Absent: they stay in the file. */
  readonly mtp?: number;
  /** llama.cpp's `--mmproj`: the tensor bytes of a projector's own file, on the first GPU. */
  readonly projectorFile?: { readonly id: string; readonly bytes: Bytes };
  /** Images in each prompt: their tokens add to the context, the tower works on them. */
  readonly images?: ImagesRequest;
}

/** Flags of an engine by their names in its options. */
export type EngineFlags = Readonly<Record<string, number | boolean | string | readonly number[]>>;
