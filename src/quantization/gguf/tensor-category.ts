/** How the tensors of a model class appear in a GGUF file: which category, in how many pieces, or unquantized. */

import type { LatentMixer, Mixer } from "../../architecture/mixers/mixer.ts";
import type { Tensor } from "../../architecture/model.ts";
import { matrixOf } from "../encoding.ts";
import type { Place } from "../scheme.ts";
import type { Category } from "./recipe-place.ts";

/** A tensor or the part of one that the converter makes a tensor of: rows of `columns` values. */
export interface Piece {
  readonly category: Category;
  readonly rows: number;
  readonly columns: number;
}

/** `null`: kept in fp32, as everything but weight matrices is. */
export function ggufPieces(place: Place): readonly Piece[] | null {
  const { tensor } = place;
  const category = categoryOf(place);
  if (category === null) return null;
  const { rows, columns } = matrixOf(tensor.shape);
  if (tensor.role === "attn-kv-b") {
    const mixer = mixersOf(place).find(({ kind }) => kind === "latent");
    if (mixer?.kind === "latent") return latentPieces(tensor, mixer);
  }
  if (tensor.role === "recurrent-in" && /\bin_proj_qkvz\b/.test(tensor.name)) {
    const mixer = mixersOf(place).find(({ kind }) => kind === "recurrent");
    if (mixer?.kind === "recurrent") {
      const gate = Math.min(rows, mixer.innerDim);
      return [
        { category: "attn-v", rows: rows - gate, columns },
        { category: "other", rows: gate, columns },
      ];
    }
  }
  return [{ category, rows, columns }];
}

function categoryOf({ tensor }: Place): Category | null {
  if (tensor.shape.length < 2) return null;
  switch (tensor.kind) {
    case "norm":
    case "bias":
    case "conv":
    case "vector":
      return null;
    case "embedding":
      return tensor.role === "embedding" ? "embedding" : null;
    case "linear":
    case "expert":
      return linearCategory(tensor);
  }
}

function linearCategory(tensor: Tensor): Category | null {
  switch (tensor.role) {
    case "head":
      return "output";
    case "attn-v":
      return "attn-v";
    case "attn-qkv":
      return "attn-qkv";
    case "attn-k":
      return "attn-k";
    case "attn-q":
      return "attn-q";
    case "attn-o":
      return "attn-o";
    case "mlp-up":
      return "ffn-up";
    case "mlp-gate":
    case "mlp-gate-up":
      return "ffn-gate";
    case "mlp-down":
      return "ffn-down";
    case "router":
    case "norm":
    case "position-embedding":
      return null;
    case "recurrent-in":
      // The delta nets' fused q, k and v go by the name of an attention's.
      return /\bin_proj_qkv\b/.test(tensor.name) ? "attn-v" : "other";
    case "embedding":
    case "attn-gate":
    case "attn-q-a":
    case "attn-q-b":
    case "attn-kv-a":
    case "attn-kv-b":
    case "attn-index":
    case "recurrent-out":
    case "recurrent":
    case "other":
      return "other";
  }
}

function mixersOf({ stack, siblings }: Place): readonly Mixer[] {
  return stack?.kinds.find(({ tensors }) => tensors === siblings)?.mixers ?? [];
}

/** kv_b becomes attn_k_b, transposed to rows of nope values, and attn_v_b, rows of latent values. */
function latentPieces(tensor: Tensor, mixer: LatentMixer): readonly Piece[] {
  const { rows, columns } = matrixOf(tensor.shape);
  const heads = Math.round(rows / (mixer.nopeDim + mixer.valueDim));
  return [
    { category: "other", rows: heads * columns, columns: mixer.nopeDim },
    { category: "other", rows: heads * mixer.valueDim, columns },
  ];
}
