/** Chameleon (arXiv:2405.09818): one decoder over words and the codes of images, and what turns an image into codes. */
import { optionalPart } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { familyOf } from "../decoder-row.ts";
import { norm } from "../tensors.ts";
import { chameleonCodes } from "../towers/vq-image.ts";
import { LLAMA } from "./llama.ts";

/** Llama with a LayerNorm on queries and keys, a weight and a bias for each head by itself. */
const text = familyOf({
  ...LLAMA,
  id: "chameleon",
  classNames: ["ChameleonForConditionalGeneration"],
  layerExtras: (_config, { heads, kvHeads, headDim }) => [
    ...norm("self_attn.q_norm", heads * headDim, "bias"),
    ...norm("self_attn.k_norm", kvHeads * headDim, "bias"),
  ],
});

/** @example chameleon-7b: 7,043,090,432 */
export const chameleon = compositeFamily({
  id: "chameleon",
  classNames: ["ChameleonForConditionalGeneration"],
  text: { modelType: "chameleon", readAs: text, tied: false },
  names: "unchanged",
  towers: (config) => [chameleonCodes(optionalPart(config, "vq_config", {}), "model.vqmodel")],
});
