/** What mixes the tokens of a layer: attention, latents, a recurrence or a short convolution, and what each caches. */
import type { Tokens } from "../../units.ts";

/** Softmax attention with a key and a value vector per cached head. */
export interface AttentionMixer {
  readonly kind: "attention";
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  /** Sliding window W: a token sees itself and the W - 1 before it. */
  readonly windowTokens?: Tokens;
  /** Chunked attention: a token sees its own chunk only. */
  readonly chunkTokens?: Tokens;
  /** `own` keeps K and V; `shared` reads an earlier layer's; `none` has no cache (encoders); `cross` keeps the encoder's. */
  readonly cache: "own" | "shared" | "none" | "cross";
  /** Heads that transformers caches when it broadcasts before caching (Falcon 40B: all 128). */
  readonly broadcastHeads?: number;
  /** Width of an extra index key per token (sparse attention on top of GQA, MiniMax-M3). */
  readonly indexKeyDim?: number;
  /** Positions on the encoder side of a `cross` cache when the model fixes them (Whisper 1500). */
  readonly encoderTokens?: Tokens;
}

/** Multi-head latent attention: one compressed vector per token for all heads (arXiv:2405.04434). */
export interface LatentMixer {
  readonly kind: "latent";
  readonly queryHeads: number;
  /** kv_lora_rank. */
  readonly latentDim: number;
  /** qk_rope_head_dim, shared by all heads. */
  readonly ropeDim: number;
  /** qk_nope_head_dim. */
  readonly nopeDim: number;
  readonly valueDim: number;
  /** q_lora_rank; absent when queries have a full projection. */
  readonly queryLatentDim?: number;
  /** Sparse attention's indexer: its key is cached per token beside the latent. */
  readonly indexer?: { readonly heads: number; readonly keyDim: number };
}

/** DeepSeek V4: a short window of latents plus one compressed latent per `ratio` tokens. */
export interface CompressedMixer {
  readonly kind: "compressed";
  readonly queryHeads: number;
  readonly headDim: number;
  readonly windowTokens: Tokens;
  /** Tokens per compressed latent; 0 keeps the window only. */
  readonly ratio: number;
  readonly indexer?: { readonly heads: number; readonly keyDim: number };
}

export type RecurrentVariant =
  | "mamba"
  | "mamba2"
  | "gated-delta"
  | "kda"
  | "lightning"
  | "rwkv"
  | "rg-lru"
  | "mlstm"
  | "short-conv";

/** A mixer whose state does not grow with the context. */
export interface RecurrentMixer {
  readonly kind: "recurrent";
  readonly variant: RecurrentVariant;
  /** Channels of the causal convolution; 0 when there is none. */
  readonly convChannels: number;
  /** Kernel K of it: engines keep K - 1 columns, transformers keeps K. */
  readonly convKernel: number;
  /** Elements of the recurrent state of one sequence. */
  readonly stateElements: number;
  readonly heads: number;
  readonly innerDim: number;
  /** State format that the config demands ("fp32") whatever the cache format is. */
  readonly stateFormat?: string;
  /** B/C groups (Mamba-2) or key heads (gated delta net): replicated when ranks outnumber them. */
  readonly groups?: number;
}

/** Short gated convolution (LFM2). */
export interface ConvMixer {
  readonly kind: "conv";
  readonly channels: number;
  readonly kernel: number;
}

export type Mixer = AttentionMixer | LatentMixer | CompressedMixer | RecurrentMixer | ConvMixer;
