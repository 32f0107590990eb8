import type { Mixer } from "../architecture/mixers/mixer.ts";
import type { Architecture, FeedForward, LayerKind, Stack, Tensor } from "../architecture/model.ts";
import { countParameters } from "../architecture/parameters.ts";

/** Vocabulary rows are padded to this before they are divided (vLLM `vocab_parallel_embedding.py`). */
const VOCABULARY_STEP = 64;

export interface TensorDegrees {
  readonly tp: number;
  /** Ranks that hold different experts. */
  readonly ep: number;
  /** Ranks that divide one expert: tp / ep, at least 1. */
  readonly expertTp: number;
}

/**
 * What one tensor-parallel rank holds: each tensor divided as its `split` says, each mixer with its heads.
 *
 *     column, heads   output rows / tp          row      input columns / tp
 *     kv-heads        max(1, kvHeads / tp) of the heads: replicated when ranks outnumber them
 *     qkv             query rows / tp + key and value rows as kv-heads
 *     vocab           rows rounded up to 64, / tp
 *     experts         ceil(experts / ep) whole experts, each divided by tp / ep
 *     replicated      whole: norms, routers, latent projections and latent caches
 *
 * Ranks are alike; a rank with one expert fewer is not told apart. `known` lets pipeline stages share equal layers.
 *
 * @example tensorShare(llama_3_1_70b, { tp: 16, ... }) // keeps 1 of 8 KV heads on each rank, not half of one
 */
export function tensorShare(
  model: Architecture,
  degrees: TensorDegrees,
  known: Map<LayerKind, LayerKind> = new Map(),
): Architecture {
  const part = uncountedShare(model, degrees, known);
  return part === model ? model : { ...part, parameters: countParameters(part) };
}

/** As `tensorShare`, with the parameters of the whole still. */
export function uncountedShare(
  model: Architecture,
  degrees: TensorDegrees,
  known: Map<LayerKind, LayerKind>,
): Architecture {
  if (degrees.tp === 1 && degrees.ep === 1) return model;
  const stacks = model.stacks.map((stack): Stack => {
    const kinds = stack.kinds.map((kind): LayerKind => {
      const share = known.get(kind) ?? shareOfLayer(kind, degrees);
      known.set(kind, share);
      return share;
    });
    return { ...stack, kinds };
  });
  const tensors = model.tensors.map((tensor) => shareOfTensor(tensor, null, degrees));
  return { ...model, stacks, tensors };
}

function shareOfLayer(kind: LayerKind, degrees: TensorDegrees): LayerKind {
  return {
    mixers: kind.mixers.map((mixer) => shareOfMixer(mixer, degrees.tp)),
    feedForward: shareOfFeedForward(kind.feedForward, degrees),
    tensors: kind.tensors.map((tensor) => shareOfTensor(tensor, kind, degrees)),
  };
}

function shareOfTensor(tensor: Tensor, kind: LayerKind | null, degrees: TensorDegrees): Tensor {
  if (tensor.group !== "experts") return { ...tensor, shape: divide(tensor, kind, degrees.tp) };
  const copies = Math.ceil(tensor.copies / degrees.ep);
  return {
    ...tensor,
    shape: divide(tensor, kind, degrees.expertTp),
    copies,
    activeCopies: Math.min(copies, tensor.activeCopies),
  };
}

function divide(tensor: Tensor, kind: LayerKind | null, tp: number): readonly number[] {
  const { shape, split } = tensor;
  if (tp === 1) return shape;
  const rows = shape[0] ?? 1;
  const withRows = (count: number): readonly number[] => [count, ...shape.slice(1)];
  switch (split) {
    case "replicated":
      return shape;
    case "column":
    case "heads":
      return withRows(Math.ceil(rows / tp));
    case "row":
      return [...shape.slice(0, -1), Math.ceil(shape[shape.length - 1]! / tp)];
    case "vocab":
      return withRows(Math.ceil((Math.ceil(rows / VOCABULARY_STEP) * VOCABULARY_STEP) / tp));
    case "kv-heads": {
      const heads = kvHeadsOf(kind);
      return withRows(heads === null ? Math.ceil(rows / tp) : (rows / heads) * headsPerRank(heads, tp));
    }
    case "qkv": {
      const mixer = kind?.mixers.find((m) => m.kind === "attention");
      if (mixer?.kind !== "attention") return withRows(Math.ceil(rows / tp));
      const perHead = mixer.keyDim + mixer.valueDim;
      const queries = rows - mixer.kvHeads * perHead;
      return withRows(Math.ceil(queries / tp) + headsPerRank(mixer.kvHeads, tp) * perHead);
    }
  }
}

function kvHeadsOf(kind: LayerKind | null): number | null {
  const mixer = kind?.mixers.find((m) => m.kind === "attention");
  return mixer?.kind === "attention" ? mixer.kvHeads : null;
}

const headsPerRank = (heads: number, tp: number): number => Math.max(1, Math.ceil(heads / tp));

function shareOfMixer(mixer: Mixer, tp: number): Mixer {
  if (tp === 1) return mixer;
  switch (mixer.kind) {
    case "attention":
      return {
        ...mixer,
        queryHeads: Math.ceil(mixer.queryHeads / tp),
        kvHeads: headsPerRank(mixer.kvHeads, tp),
        ...(mixer.broadcastHeads === undefined
          ? {}
          : { broadcastHeads: headsPerRank(mixer.broadcastHeads, tp) }),
      };
    case "latent":
    case "compressed":
      return { ...mixer, queryHeads: Math.ceil(mixer.queryHeads / tp) };
    case "recurrent": {
      // Channels of B and C (Mamba-2) or of the keys (delta nets) come in groups that are replicated like KV heads.
      const groups = mixer.groups ?? tp;
      const shared = Math.max(0, mixer.convChannels - mixer.innerDim);
      const own = mixer.convChannels - shared;
      return {
        ...mixer,
        convChannels: Math.ceil(own / tp) + Math.ceil((shared / groups) * headsPerRank(groups, tp)),
        stateElements: Math.ceil(mixer.stateElements / tp),
        heads: Math.ceil(mixer.heads / tp),
        innerDim: Math.ceil(mixer.innerDim / tp),
        ...(mixer.groups === undefined ? {} : { groups: headsPerRank(mixer.groups, tp) }),
      };
    }
    case "conv":
      return { ...mixer, channels: Math.ceil(mixer.channels / tp) };
  }
}

function shareOfFeedForward(ffn: FeedForward, { tp, ep, expertTp }: TensorDegrees): FeedForward {
  switch (ffn.kind) {
    case "none":
      return ffn;
    case "dense":
      return { ...ffn, width: Math.ceil(ffn.width / tp) };
    case "experts": {
      const experts = Math.ceil(ffn.experts / ep);
      return {
        ...ffn,
        experts,
        activeExperts: Math.min(experts, ffn.activeExperts),
        width: Math.ceil(ffn.width / expertTp),
        sharedWidth: Math.ceil(ffn.sharedWidth / tp),
        ...(ffn.denseWidth === undefined ? {} : { denseWidth: Math.ceil(ffn.denseWidth / tp) }),
      };
    }
  }
}
