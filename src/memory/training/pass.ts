/** What a layer's code needs to know while it is written onto a tape. */

import type { ForwardFacts } from "../../architecture/forward-facts.ts";
import type { Tensor } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import type { LayerCode } from "./layer-code.ts";
import type { LinearWeight, Weight } from "./operations.ts";
import type { Tape, Width } from "./tape.ts";

export type AttentionCode = "eager" | "sdpa" | "flash";

/** One low-rank adapter as the pass meets it. */
export interface AdapterUse {
  readonly rank: number;
  /** Trainable parameters in one layer, experts counted. */
  readonly parameters: number;
  readonly width: Width;
  readonly dropout: number;
  readonly dora: boolean;
}

/** How weights are held while training; the same for every layer. */
export interface Holding {
  /** Bytes per element of a weight in memory. A packed weight reports the width it computes in. */
  width(tensor: Tensor): Width;
  trainable(tensor: Tensor): boolean;
  /** Stored in few bits and unpacked for each product. */
  packed(tensor: Tensor): boolean;
  adapter(tensor: Tensor): AdapterUse | null;
}

/** Kernels that replace several operations by one that keeps less. */
export interface Kernels {
  /** RMSNorm in one kernel: input and one fp32 per row (Liger, F.rms_norm on CUDA). */
  readonly fusedNorm: boolean;
  /** Gate times up in one kernel: gate and up only (Liger, Apex, Megatron). */
  readonly fusedGate: boolean;
  /** Rotary positions in one kernel, in place. */
  readonly fusedRotary: boolean;
}

export interface Pass {
  readonly tape: Tape;
  readonly batch: number;
  readonly seqTokens: number;
  /** Tokens per sequence of the encoder that cross-attention reads. */
  readonly sourceTokens: number;
  readonly attention: AttentionCode;
  readonly code: LayerCode;
  readonly facts: ForwardFacts;
  readonly holding: Holding;
  readonly kernels: Kernels;
  /** Bytes per element of the residual stream: that of the embedding's output. */
  readonly residualWidth: Width;
  /** Tensor-parallel ranks that divide the sequence between norms and residuals. */
  readonly sequenceShards: number;
  /** Routed experts per token when the experts lie on several ranks. */
  readonly routedExperts?: number;
  /** Keys and values go into a cache in training too, and what they are views of stays with them (`transformers-release.ts`). */
  readonly fillsCache: boolean;
  readonly repeatsKv: boolean;
  /** Packed weights keep their input although they do not train (`bitsandbytes-release.ts`). */
  readonly keepsPackedInput: boolean;
  /** torch.compile around every layer. */
  readonly compiled: boolean;
  /** The loop's variables still hold the logits of the step before, one of equal length, while the model runs. */
  readonly stepBefore: boolean;
}

/** Tokens of one micro-batch: B * S. */
export function tokensOf(pass: Pick<Pass, "batch" | "seqTokens">): number {
  return pass.batch * pass.seqTokens;
}

/** A tensor as an operation meets it. */
export function weightOf(pass: Pass, tensor: Tensor): Weight {
  return {
    name: tensor.name,
    elements: tensorElements(tensor) * tensor.copies,
    width: pass.holding.width(tensor),
    trainable: pass.holding.trainable(tensor),
  };
}

/** A linear's weight with its bias, if the layer has one of that name. */
export function linearWeightOf(pass: Pass, tensor: Tensor, tensors: readonly Tensor[]): LinearWeight {
  const [outDim, inDim] = tensor.shape as readonly [number, number];
  const biasName = tensor.name.replace(/weight$/, "bias");
  const bias = tensor.name.endsWith("weight") && tensors.some((t) => t.name === biasName);
  const { name, elements, width, trainable } = weightOf(pass, tensor);
  const packed = pass.holding.packed(tensor);
  return {
    name,
    elements,
    width,
    trainable,
    inDim,
    outDim,
    bias,
    packed,
    keepsInput: packed && pass.keepsPackedInput,
    unpacksTwice: packed && pass.code.unpacksTwice,
    spread: spreadOf(pass, tensor),
  };
}

/** How a product changes the rows under sequence parallelism; whole tokens for what every rank repeats. */
function spreadOf(pass: Pass, tensor: Tensor): number {
  const shards = pass.sequenceShards;
  switch (tensor.split) {
    case "replicated":
      return 1;
    case "row":
      return 1 / shards;
    case "column":
    case "heads":
    case "kv-heads":
    case "qkv":
    case "vocab":
      return shards;
  }
}
