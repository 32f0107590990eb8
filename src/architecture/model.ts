/**
 * The narrow waist: every source of a model produces an `Architecture`, every memory term reads only that.
 *
 * A model is tensors outside its layers plus stacks of layers. A stack keeps its distinct layers once
 * (`kinds`) and how often each occurs (`counts`), so sizing costs the same for 10 layers and for 10,000;
 * `runs` keeps their order for those who need it (pipelines, listings).
 */
import type { Tokens } from "../units.ts";

/** What a parameter is for. The order is the order of printing. */
export const GROUPS = [
  "embedding",
  "positions",
  "attention",
  "mlp",
  "experts",
  "shared-experts",
  "router",
  "norms",
  "recurrent",
  "lm-head",
  "vision",
  "audio",
  "projector",
  "mtp",
  "other",
] as const;
export type Group = (typeof GROUPS)[number];

/** `linear` weights are [out, in]; `expert` is one expert's [out, in] weight, held `copies` times. */
export type TensorKind = "linear" | "expert" | "embedding" | "norm" | "bias" | "conv" | "vector";

/**
 * What the tensor does in its layer, across the many names that model classes give it.
 * Quantization recipes, LoRA targets and the ledger of saved activations select by it.
 */
export type Role =
  | "embedding"
  | "position-embedding"
  | "head"
  | "attn-q"
  | "attn-k"
  | "attn-v"
  | "attn-qkv"
  | "attn-o"
  | "attn-gate"
  | "attn-q-a"
  | "attn-q-b"
  | "attn-kv-a"
  | "attn-kv-b"
  | "attn-index"
  | "mlp-gate"
  | "mlp-up"
  | "mlp-gate-up"
  | "mlp-down"
  | "router"
  | "recurrent-in"
  | "recurrent-out"
  | "recurrent"
  | "norm"
  | "other";

/**
 * How tensor parallelism divides the tensor. `heads`/`kv-heads` divide the output rows by whole heads
 * (KV heads are replicated when there are fewer than ranks), `qkv` is q, k and v fused in one output,
 * `column` divides the output, `row` the input, `vocab` the padded vocabulary rows.
 */
export type Split = "replicated" | "column" | "row" | "vocab" | "heads" | "kv-heads" | "qkv";

export interface Tensor {
  /** Name inside its layer (or from the root, outside layers), as the model class names it. */
  readonly name: string;
  readonly role: Role;
  readonly kind: TensorKind;
  readonly group: Group;
  /** As stored: [out, in] for linears. One copy of it. */
  readonly shape: readonly number[];
  /** Number of such tensors in the layer: the experts held. */
  readonly copies: number;
  /** Copies that one token uses: the experts chosen. Equals `copies` for everything but routed experts. */
  readonly activeCopies: number;
  readonly split: Split;
  /** True for a tensor that checkpoints hold but classes do not count as a parameter (router bias). */
  readonly buffer?: true;
  /** A format that this tensor keeps whatever the model's is: "int64", "fp32". */
  readonly pinnedFormat?: string;
}

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

export type Activation =
  | "silu"
  | "gelu"
  | "gelu-tanh"
  | "gelu-new"
  | "quick-gelu"
  | "relu"
  | "relu2"
  | "other";

export interface DenseFeedForward {
  readonly kind: "dense";
  readonly width: number;
  readonly gated: boolean;
  readonly activation: Activation;
}

export interface ExpertsFeedForward {
  readonly kind: "experts";
  readonly experts: number;
  readonly activeExperts: number;
  /** Width of one routed expert. */
  readonly width: number;
  readonly gated: boolean;
  readonly activation: Activation;
  /** Width of the shared experts together; 0 when there are none. */
  readonly sharedWidth: number;
  /** Width of a dense MLP that runs beside the experts (Gemma 4, Arctic). */
  readonly denseWidth?: number;
  /** Routed experts work on a narrower latent of this width (Nemotron-H 3 Super, Kimi K3). */
  readonly latentDim?: number;
}

export type FeedForward = DenseFeedForward | ExpertsFeedForward | { readonly kind: "none" };

/** One distinct layer. Most have one mixer; Falcon-H1 has two in parallel, MLP-only blocks none. */
export interface LayerKind {
  readonly mixers: readonly Mixer[];
  readonly feedForward: FeedForward;
  readonly tensors: readonly Tensor[];
}

export interface Run {
  /** Index into `kinds`. */
  readonly kind: number;
  readonly count: number;
}

export type StackRole = "decoder" | "encoder" | "vision" | "audio" | "mtp";

export interface Stack {
  readonly role: StackRole;
  /** Path of the layer list in the model class: "model.layers". */
  readonly prefix: string;
  readonly hiddenSize: number;
  readonly kinds: readonly LayerKind[];
  /** Layers of each kind, aligned with `kinds`. */
  readonly counts: readonly number[];
  /** The layers in order. */
  readonly runs: readonly Run[];
  /** How many times the stored layers run: ALBERT stores one group and runs it 12 times. Default 1. */
  readonly repeats?: number;
  /** On a part of a stack: index of its first layer in the whole, and layers of the whole. */
  readonly slice?: { readonly first: number; readonly of: number };
}

export type NormKind = "rms" | "rms-plus-one" | "layer" | "layer-no-bias" | "none";

/** A statement about how a result came about; never prose that a script must parse. */
export interface Note {
  readonly code: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** What a family returns: everything but the sums. */
export interface ArchitectureDraft {
  readonly family: string;
  readonly modelType: string;
  readonly hiddenSize: number;
  /** Rows of the token embedding, padding rows included. */
  readonly vocabSize: number;
  /** True when the head reads the embedding's weights; the head is then not among the tensors. */
  readonly tied: boolean;
  /** Longest sequence that the config declares. */
  readonly maxContextTokens?: Tokens;
  readonly norm: NormKind;
  readonly stacks: readonly Stack[];
  /** Embeddings, final norms, head, projectors: everything outside the layers. */
  readonly tensors: readonly Tensor[];
  /** How images become tokens, where the family knows it better than the keys of the config. */
  readonly vision?: Partial<VisionFacts>;
  /** Shapes were assumed from a bare count. */
  readonly assumed?: true;
  readonly notes: readonly Note[];
}

export interface ParameterTotals {
  /** Parameters of the running model, a tied head once, without MTP layers and buffers. */
  readonly total: number;
  /** Parameters that one token touches: routed experts by the number chosen. */
  readonly active: number;
  /** `total` plus persistent buffers: what a checkpoint of the class holds. */
  readonly stored: number;
  /** Multi-token-prediction layers: in the file, loaded by some engines. Not in `total`. */
  readonly mtp: number;
  /** `total` by group; sums to it, `mtp` aside. */
  readonly groups: Readonly<Record<Group, number>>;
}

/** How a config stretches rotary positions beyond those of the first training. */
export interface RopeScaling {
  /** Kinds whose tables engines lengthen; "llama3" and "longrope" are not among them. */
  readonly kind: "linear" | "dynamic" | "yarn";
  readonly factor: number;
  /** Positions before stretching, where the config says. */
  readonly originalTokens?: Tokens;
}

/** How images become tokens, where the config says. */
export interface VisionFacts {
  /**
   * `native` keeps the image's own size, `fixed` resizes every image to one size, `tiles` cuts it into tiles of
   * one size and adds the whole image as one more.
   */
  readonly sizing: "native" | "fixed" | "tiles";
  /** Patches along the side of the square that becomes one token. */
  readonly merge: number;
  /** Side of a patch in pixels; absent where the patch embedding's shape says it. */
  readonly patchSize?: number;
  /** Side of an image or a tile; of a native tower, the longest side it takes. */
  readonly imageSize?: number;
  /** Tokens of an image or a tile whatever its patches: pooled or resampled; 0 where no language model reads them. */
  readonly tokensPerImage?: Tokens;
  /** Tokens that a native tower stretches smaller images to, and shrinks larger ones to. */
  readonly fewestTokens?: Tokens;
  readonly mostTokens?: Tokens;
  /** A native tower fills the last patch of a side up, where others round the side to the nearest. */
  readonly fill?: true;
  /** Most tiles of one image, the whole image aside. */
  readonly mostTiles?: number;
  /** Tiles along the longest side of any image, which is stretched or shrunk to it. */
  readonly longestTiles?: number;
  /** Each row of patches ends with a token of its own (Pixtral). */
  readonly rowBreaks?: true;
  /** Tokens of an image besides those of its patches: a begin and an end. */
  readonly marks?: Tokens;
}

/** What a forward pass does between its tensors, where the config says: training and rotary tables read it. */
export interface ForwardFacts {
  /** Dropout probabilities while training; each dropout in use keeps a mask. */
  readonly residualDropout: number;
  readonly attentionDropout: number;
  readonly embeddingDropout: number;
  /** Part of each head that positions rotate; absent means all of it. */
  readonly rotaryFraction?: number;
  readonly ropeScaling?: RopeScaling;
  /** Window layers rotate by a base of their own, unstretched (Gemma 3). */
  readonly localRope?: true;
  /** Positions come apart into time, height and width (Qwen-VL). */
  readonly ropeSections?: true;
  readonly vision?: VisionFacts;
  /** Model type of the language model inside a composite. */
  readonly textModelType?: string;
  /** tanh caps on attention scores and on logits (Gemma 2). */
  readonly attentionSoftcap: boolean;
  readonly logitSoftcap: boolean;
}

export interface Architecture extends ArchitectureDraft {
  /** Dropout, rotary fraction and soft caps; absent when the source has no config. */
  readonly forward?: ForwardFacts;
  /** Format of the published weights ("bf16"), when the config says. */
  readonly dtype?: string;
  /** What the config calls the published weights where that is no format of a whole model: "float8_e4m3fn". */
  readonly partialDtype?: string;
  readonly parameters: ParameterTotals;
}
