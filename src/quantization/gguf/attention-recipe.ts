/** llama.cpp's rules for the tensors of attention (`llama_tensor_get_type_impl`, 007dbbf). */
import { isTwoS, LOWEST, moreBits, type RecipeModel } from "./recipe-place.ts";

/** The value projection under the types below 3 bits: 4 bits where few heads or many experts share it. */
export function lowAttentionV({ fileType, gqa, experts }: RecipeModel): string {
  if (gqa >= 4 || experts >= 4) return "q4_k";
  return isTwoS(fileType.name) ? "iq3_s" : "q2_k";
}

/** The value projection under the other types; `counter` says how many came before. */
export function attentionV(model: RecipeModel, counter: number): string {
  let format = plainAttentionV(model, counter);
  if (model.seventyB && (format === "q3_k" || format === "q4_k")) format = "q5_k";
  return model.experts === 8 ? "q8_0" : format;
}

function plainAttentionV(
  { fileType, gqa, imatrix, attentionV: count }: RecipeModel,
  counter: number,
): string {
  const { name, base } = fileType;
  const grouped = gqa >= 4;
  switch (name) {
    case "q2_k":
      return grouped ? "q4_k" : "q3_k";
    case "q2_k_s":
    case "iq3_xs":
    case "iq3_s":
      return grouped ? "q4_k" : base;
    case "iq3_xxs":
      return grouped ? "q4_k" : imatrix ? "iq3_xxs" : "iq3_s";
    case "iq3_m":
      return "q4_k";
    case "q3_k_m":
      return counter < 2 ? "q5_k" : "q4_k";
    case "q3_k_l":
      return "q5_k";
    case "iq4_nl":
    case "iq4_xs":
      return grouped ? "q5_k" : base;
    case "q4_k_m":
    case "q5_k_m":
      return moreBits(counter, count) ? "q6_k" : base;
    case "q4_k_s":
      return counter < 4 ? "q5_k" : base;
    default:
      return base;
  }
}

/** The key projection. */
export function attentionK({ fileType, experts }: RecipeModel): string {
  const { name, base } = fileType;
  if (experts === 8) return LOWEST.has(name) ? "q4_k" : "q8_0";
  return name === "iq3_xs" ? "iq3_xxs" : name === "iq3_xxs" ? "iq2_s" : base;
}

/** Types whose attention output is raised in a model of eight experts. */
const EIGHT_EXPERT_OUTPUT: ReadonlySet<string> = new Set([
  "q2_k",
  "iq3_xs",
  "iq3_xxs",
  "q3_k_s",
  "q3_k_m",
  "iq4_nl",
  "q4_k_s",
  "q4_k_m",
  "iq3_s",
  "iq3_m",
  "iq4_xs",
]);

/** The output projection. */
export function attentionOutput({ fileType, experts, falcon }: RecipeModel): string {
  const { name, base } = fileType;
  if (LOWEST.has(name)) {
    if (experts === 8) return "q5_k";
    return isTwoS(name) ? "iq3_s" : name === "iq1_s" || name === "iq1_m" ? "iq2_xxs" : base;
  }
  if (falcon) return name === "q3_k_l" ? "q4_k" : base;
  if (experts === 8) return EIGHT_EXPERT_OUTPUT.has(name) ? "q5_k" : base;
  switch (name) {
    case "q2_k":
      return "q3_k";
    case "iq3_xxs":
      return "iq3_s";
    case "q3_k_m":
    case "iq3_m":
      return "q4_k";
    case "q3_k_l":
      return "q5_k";
    default:
      return base;
  }
}
