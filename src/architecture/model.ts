/**
 * The narrow waist: every source of a model produces an `Architecture`, every memory term reads only that.
 *
 * A model is tensors outside its layers plus stacks of layers. A stack keeps its distinct layers once
 * (`kinds`) and how often each occurs (`counts`), so sizing costs the same for 10 layers and for 10,000;
 * `runs` keeps their order for those who need it (pipelines, listings).
 */
import type { Tokens } from "../units.ts";
import type { ForwardFacts } from "./forward-facts.ts";
import type { Mixer } from "./mixers/mixer.ts";
import type { VisionFacts } from "./vision-facts.ts";

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

export interface Architecture extends ArchitectureDraft {
  /** Dropout, rotary fraction and soft caps; absent when the source has no config. */
  readonly forward?: ForwardFacts;
  /** Format of the published weights ("bf16"), when the config says. */
  readonly dtype?: string;
  /** What the config calls the published weights where that is no format of a whole model: "float8_e4m3fn". */
  readonly partialDtype?: string;
  readonly parameters: ParameterTotals;
}
