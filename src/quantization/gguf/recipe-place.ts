/** What the rules of llama.cpp's quantizer look at: the model, and where a tensor stands in it. */
import type { FileType } from "./file-types.ts";

/** What the quantizer tells apart, first match on the tensor's name. */
export type Category =
  | "output"
  | "embedding"
  | "attn-v"
  | "attn-qkv"
  | "attn-k"
  | "attn-q"
  | "attn-o"
  | "ffn-up"
  | "ffn-gate"
  | "ffn-down"
  | "other";

/** Facts about the model that the rules read. */
export interface RecipeModel {
  readonly fileType: FileType;
  readonly imatrix: boolean;
  /** Query heads per KV head of the first layer; 0 when it has none. */
  readonly gqa: number;
  readonly experts: number;
  /** llama.cpp takes it for the 70B class: 80 layers of Llama, Qwen2 or DeciLM with grouped heads. */
  readonly seventyB: boolean;
  readonly falcon: boolean;
  /** The file has no output.weight: the embedding is stored as an output would be. */
  readonly tied: boolean;
  readonly layers: number;
  /** Tensors of categories attn-v and attn-qkv in the model. */
  readonly attentionV: number;
}

/** Where a tensor stands when the rule looks at it. */
export interface RecipePlace {
  readonly category: Category;
  /** Layer number for mixtures of experts, else how many of the category came before. */
  readonly index: number;
  /** How many of the category came before, whatever the model. */
  readonly counter: number;
  /** Experts of a layer lie in one three-dimensional tensor. */
  readonly threeDimensional: boolean;
  /** Input columns. */
  readonly columns: number;
}

/** That part of the layers, rounded down. */
export const part = (layers: number, divisor: number): number => Math.floor(layers / divisor);

/** The first eighth, the last eighth and every third between. */
export function moreBits(index: number, layers: number): boolean {
  const eighth = part(layers, 8);
  return index < eighth || index >= part(7 * layers, 8) || (index - eighth) % 3 === 2;
}

/** File types below 3 bits, which the quantizer treats apart. */
export const LOWEST: ReadonlySet<string> = new Set(["iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq2_s", "iq2_m"]);

/** The two of them that are based on IQ2_S. */
export const isTwoS = (name: string): boolean => name === "iq2_s" || name === "iq2_m";
