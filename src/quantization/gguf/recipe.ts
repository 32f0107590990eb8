/**
 * The tensor type that llama.cpp's quantizer chooses: `llama_tensor_get_type_impl` and
 * `tensor_type_fallback` of src/llama-quant.cpp, llama.cpp 007dbbf (August 2026), told as rules per category.
 */
import { STORAGE_FORMATS } from "../../formats/storage-formats.ts";
import { attentionK, attentionOutput, attentionV, lowAttentionV } from "./attention-recipe.ts";
import { isTwoS, LOWEST, moreBits, part, type RecipeModel, type RecipePlace } from "./recipe-place.ts";

/** The format of one matrix under a file type, before its shape is looked at. */
function chosen(model: RecipeModel, place: RecipePlace): string {
  const { name, base } = model.fileType;
  const { category } = place;
  if (category === "output" || (model.tied && category === "embedding")) return output(model, place);
  if (name === "mxfp4_moe") return place.threeDimensional ? "mxfp4" : "q8_0";
  switch (category) {
    case "embedding":
      return embedding(name, base);
    case "attn-v":
      return LOWEST.has(name) ? lowAttentionV(model) : attentionV(model, place.counter);
    case "attn-qkv":
      return fusedAttention(name, base);
    case "attn-k":
      return attentionK(model);
    case "attn-q":
      return name === "iq3_xs" ? "iq3_xxs" : name === "iq3_xxs" ? "iq2_s" : base;
    case "attn-o":
      return attentionOutput(model);
    case "ffn-down":
      return LOWEST.has(name) ? lowDown(model, place.counter) : down(model, place.index);
    case "ffn-gate":
    case "ffn-up": {
      const middle = place.index >= part(model.layers, 8) && place.index < part(7 * model.layers, 8);
      return name === "iq3_xs" && middle ? "iq3_xxs" : base;
    }
    case "other":
      return base;
  }
}

function output({ fileType, falcon }: RecipeModel, { columns }: RecipePlace): string {
  const { name, base } = fileType;
  if (name === "mxfp4_moe" || falcon || columns % blockOf(base) !== 0) return "q8_0";
  if (LOWEST.has(name) || name === "iq3_xxs") return "q5_k";
  return base === "q8_0" ? base : "q6_k";
}

function embedding(name: string, base: string): string {
  switch (name) {
    case "iq1_s":
    case "iq1_m":
    case "iq2_xxs":
    case "iq2_xs":
      return "q2_k";
    case "iq2_s":
    case "iq2_m":
    case "iq3_xxs":
      return "iq3_s";
    case "tq1_0":
    case "tq2_0":
    case "q2_0":
      return "q4_k";
    default:
      return base;
  }
}

/**
 * Queries, keys and values in one: a rule of its own. Since the quantizer tells categories apart (early 2026), which
 * is after nearly all files of such models were made, attn-v's comes first.
 */
function fusedAttention(name: string, base: string): string {
  if (/^(q3_k_[ml]|iq3_m)$/.test(name)) return "q4_k";
  return name === "q4_k_m" ? "q5_k" : name === "q5_k_m" ? "q6_k" : base;
}

function lowDown({ fileType, layers }: RecipeModel, counter: number): string {
  if (counter >= part(layers, 8)) return fileType.base;
  return isTwoS(fileType.name) ? "iq3_s" : "q2_k";
}

function down(model: RecipeModel, index: number): string {
  const { fileType, layers, experts, falcon, imatrix } = model;
  const { name, base } = fileType;
  const early = index < part(layers, 8);
  const more = moreBits(index, layers);
  switch (name) {
    case "q2_k":
      return "q3_k";
    case "q2_k_s":
      return early ? "q4_k" : base;
    case "iq3_xxs":
      return imatrix ? base : early ? "q4_k" : "q3_k";
    case "q3_k_m":
      return index < part(layers, 16) ? "q5_k" : !falcon || more ? "q4_k" : "q3_k";
    case "iq3_m":
      return early || (experts === 8 && more) ? "q4_k" : base;
    case "q3_k_l":
      return falcon ? "q4_k" : "q5_k";
    case "q4_k_m":
      if (falcon) return index < part(layers, 16) ? "q6_k" : more ? "q5_k" : "q4_k";
      return more ? "q6_k" : base;
    case "iq4_nl":
    case "iq4_xs":
      return early && !imatrix ? "q5_k" : base;
    case "q5_k_m":
      return more ? "q6_k" : base;
    case "q4_k_s":
      return early && !falcon ? "q5_k" : base;
    case "q4_0":
      return early && imatrix ? "q4_1" : base;
    case "q5_0":
      return early && imatrix ? "q5_1" : base;
    default:
      return base;
  }
}

/** Elements of one block of a format. */
const blockOf = (id: string): number => STORAGE_FORMATS.get(id)!.parts[0]!.elements;

/** What a row that is not whole blocks becomes. */
const FALLBACK: { readonly [id: string]: string } = {
  iq1_s: "iq4_nl",
  iq1_m: "iq4_nl",
  iq2_xxs: "iq4_nl",
  iq2_xs: "iq4_nl",
  iq2_s: "iq4_nl",
  iq3_xxs: "iq4_nl",
  iq3_s: "iq4_nl",
  iq4_xs: "iq4_nl",
  q2_0: "q4_0",
  q2_k: "q4_0",
  q3_k: "q4_0",
  tq1_0: "q4_0",
  tq2_0: "q4_0",
  q4_k: "q5_0",
  q5_k: "q5_1",
  q6_k: "q8_0",
};

/**
 * The storage format of one matrix in a file of this type; rows that are not whole blocks fall back to a
 * format of 32 and then to fp16.
 *
 * @example recipeFormat(llama_q4_k_m, { category: "ffn-down", index: 0, ... }) // "q6_k": 0 < 32 / 8
 */
export function recipeFormat(model: RecipeModel, place: RecipePlace): string {
  const { base } = model.fileType;
  if (blockOf(base) === 1) return base;
  const format = chosen(model, place);
  if (place.columns % blockOf(format) === 0) return format;
  const fallback = Object.hasOwn(FALLBACK, format) ? FALLBACK[format]! : "fp16";
  return place.columns % blockOf(fallback) === 0 ? fallback : "fp16";
}
