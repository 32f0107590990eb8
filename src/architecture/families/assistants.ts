/** Drafters that read a larger model's states: Gemma 4's and Muse Glimmer's. */
import { languageModel, projection } from "../composite.ts";
import { type ConfigReader, overriding, withDefaults } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import type { Family } from "../family.ts";
import { buffer, linear, norm } from "../tensors.ts";
import { everyLayerWindow } from "../windows.ts";

/** The text part with keys and values of the larger model in every layer, unless it says in how many. */
function sharing(config: ConfigReader, textType: string): ConfigReader {
  const text = config.child("text_config") ?? config.fail("text_config", "the config of that part");
  if (text.count("num_kv_shared_layers", 0) > 0) return config;
  const shared = { num_kv_shared_layers: text.layers("num_hidden_layers"), model_type: textType };
  return overriding(config, { text_config: { ...text.raw, ...shared } });
}

/**
 * Gemma 4's layers without keys and values of their own between two matrices from and to the larger model's width;
 * ordered embeddings add centroids and an order of tokens.
 */
const gemma4AssistantOf = (id: string, className: string, textType: string): Family => ({
  id,
  modelTypes: [id],
  classNames: [className],
  build: (given, families) => {
    const config = sharing(given, textType);
    const text = languageModel(config, families, { modelType: textType, tied: true, ties: "top-alone" });
    const { hiddenSize, vocabSize } = text;
    const backbone = config.int("backbone_hidden_size", 1536);
    return {
      ...text,
      family: id,
      modelType: id,
      tensors: [
        ...text.tensors,
        ...projection("pre_projection", hiddenSize, 2 * backbone, false),
        ...projection("post_projection", backbone, hiddenSize, false),
        ...(config.flag("use_ordered_embeddings", false)
          ? [
              ...projection(
                "masked_embedding.centroids",
                config.int("num_centroids", 2048),
                hiddenSize,
                false,
                "other",
              ),
              {
                ...buffer("masked_embedding.token_ordering", "other", [vocabSize]),
                pinnedFormat: "int64",
              },
            ]
          : []),
      ],
    };
  },
});

const layers = familyOf({
  id: "muse_glimmer_assistant",
  classNames: ["MuseGlimmerAssistantModel"],
  kvHeads: 8,
  headDim: 128,
  qkNorm: "head",
  names: { layers: "layers", finalNorm: "norm" },
  window: (config, count) => everyLayerWindow(config, count, 2048),
  extras: (config, { hiddenSize }) => [
    ...linear({
      name: "encoder.fc",
      role: "other",
      group: "other",
      outDim: hiddenSize,
      inDim: hiddenSize * (config.ints("target_layer_ids") ?? [1, 13, 25, 37, 49]).length,
    }),
    ...norm("encoder.output_norm_enc", hiddenSize),
  ],
});

/** Neither table nor head: it reads states of target_layer_ids, and its words are the larger model's. */
const museGlimmerAssistant: Family = {
  ...layers,
  build: (given, families) => {
    const config = withDefaults(overriding(given, { vocab_size: 1, tie_word_embeddings: true }), {
      hidden_size: 6656,
      intermediate_size: 19_968,
      num_hidden_layers: 5,
      num_attention_heads: 32,
    });
    const draft = layers.build(config, families);
    return {
      ...draft,
      vocabSize: 0,
      tied: false,
      tensors: draft.tensors.filter(({ role }) => role !== "embedding"),
    };
  },
};

export const ASSISTANTS: readonly Family[] = [
  gemma4AssistantOf("gemma4_assistant", "Gemma4AssistantForCausalLM", "gemma4_text"),
  gemma4AssistantOf("gemma4_unified_assistant", "Gemma4UnifiedAssistantForCausalLM", "gemma4_unified_text"),
  museGlimmerAssistant,
];
