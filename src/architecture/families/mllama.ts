import { type ClassSizes, withClassSizes } from "../class-defaults.ts";
import { composite, languageModel, part, projection } from "../composite.ts";
import { decoder } from "../decoder.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import type { Family } from "../family.ts";
import { gatedFeedForward } from "../feed-forward.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import { embedding, vector } from "../tensors.ts";
import { mllamaVision } from "../towers/llama-vision.ts";

const SIZES: ClassSizes = [4096, 14_336, 40, 32, 128_256];
const PUBLISHED_CROSS_LAYERS = [3, 8, 13, 18, 23, 28, 33, 38] as const;
/** The embedding has rows for eight image tokens that the head cannot produce. */
const IMAGE_TOKENS = 8;

/**
 * Llama 3 whose layers of cross_attention_layers read the image instead of the text: q/k norms and two gates,
 * and keys and values of image tokens only.
 */
export const mllamaText: Family = {
  id: "mllama_text_model",
  modelTypes: ["mllama_text_model"],
  classNames: ["MllamaForCausalLM"],
  build: (given) => {
    const { config, notes } = withClassSizes(given, SIZES);
    const sizes = readDecoderSizes(config, { tied: false, kvHeads: 8 });
    const { hiddenSize, heads, kvHeads, headDim } = sizes;
    const cross = new Set(config.ints("cross_attention_layers") ?? PUBLISHED_CROSS_LAYERS);
    const shared = { hiddenSize, heads, kvHeads, keyDim: headDim };
    const draft = decoder({
      family: "mllama_text_model",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      mixer: (layer) => {
        if (!cross.has(layer)) return selfAttention({ name: "self_attn", ...shared });
        const parts = selfAttention({ name: "cross_attn", ...shared, qkNorm: "head", cache: "cross" });
        return {
          mixers: parts.mixers,
          tensors: [
            ...parts.tensors,
            vector("cross_attn_attn_gate", "attention", [1]),
            vector("cross_attn_mlp_gate", "mlp", [1]),
          ],
        };
      },
      feedForward: () => gatedFeedForward(config, hiddenSize),
      keyOf: (layer) => String(cross.has(layer)),
      notes,
    });
    const rows = sizes.vocabSize + IMAGE_TOKENS;
    return {
      ...draft,
      tensors: draft.tensors.map((tensor) =>
        tensor.role === "embedding" ? embedding("model.embed_tokens", rows, hiddenSize) : tensor,
      ),
    };
  },
};

/** Llama 3.2 Vision: never tied, as the embedding has more rows than the head. */
export const mllama: Family = {
  id: "mllama",
  modelTypes: ["mllama"],
  classNames: ["MllamaForConditionalGeneration"],
  alsoNamed: ["MllamaForCausalLM"],
  build: (config, families) => {
    const text = languageModel(config, families, {
      modelType: "mllama_text_model",
      fixed: { tie_word_embeddings: false },
    });
    // The class of the text alone reads the whole file and keeps the text.
    if (config.texts("architectures")?.[0] === "MllamaForCausalLM") return text;
    const vision = part(config, "vision_config");
    return composite({
      family: "mllama",
      config,
      text,
      names: "language_model",
      towers: [mllamaVision(vision, "vision_model")],
      projector: projection(
        "multi_modal_projector",
        text.hiddenSize,
        vision.int("vision_output_dim", 7680),
        true,
      ),
    });
  },
};
