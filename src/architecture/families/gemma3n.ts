import { type ClassSizes, withClassSizes } from "../class-defaults.ts";
import { composite, languageModel, part, projection } from "../composite.ts";
import type { ConfigReader } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import type { Family } from "../family.ts";
import { gatedFeedForward } from "../feed-forward.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import type { Tensor } from "../model.ts";
import { layerInts, layerTypes } from "../stack.ts";
import { embedding, linear, norm, vector } from "../tensors.ts";
import { gemma3nAudio } from "../towers/gemma-audio.ts";
import { gemma3nVision } from "../towers/gemma-vision.ts";
import { without } from "./gemma4.ts";
import { perLayerEmbedding, perLayerInput, sharesKeys } from "./per-layer-embedding.ts";

const SIZES: ClassSizes = [2048, 16_384, 35, 8, 262_400];

/** Alternating updates over a copies of the hidden state, and a low-rank residual of rank r, in each layer. */
function altUpAndLaurel(hiddenSize: number, inputs: number, rank: number): Tensor[] {
  const project = (name: string, outDim: number, inDim: number): Tensor[] =>
    linear({ name, role: "other", group: "other", outDim, inDim });
  return [
    vector("altup.correct_output_scale", "other", [hiddenSize]),
    ...project("altup.correction_coefs", inputs, inputs),
    ...project("altup.prediction_coefs", inputs ** 2, inputs),
    ...project("altup.modality_router", inputs, hiddenSize),
    ...norm("altup.router_norm", hiddenSize),
    ...project("laurel.linear_left", rank, hiddenSize),
    ...project("laurel.linear_right", hiddenSize, rank),
    ...norm("laurel.post_laurel_norm", hiddenSize),
  ];
}

/**
 * Gemma 3 with an embedding per layer, alternating updates, low-rank residuals, and last layers that read
 * the keys and values of earlier ones.
 */
export const gemma3nText: Family = {
  id: "gemma3n_text",
  modelTypes: ["gemma3n_text"],
  classNames: ["Gemma3nForCausalLM"],
  build: (given) => {
    const { config, notes } = withClassSizes(given, SIZES);
    const sizes = readDecoderSizes(config, { tied: true, kvHeads: 2, headDim: 256 });
    const { hiddenSize, layers, heads, kvHeads, headDim } = sizes;
    const types = layerTypes(config, layers, ["layer_types"], ["sliding_attention", "full_attention"]);
    const isFull = (layer: number): boolean =>
      types === undefined ? (layer + 1) % 5 === 0 : types[layer] === "full_attention";
    const isShared = sharesKeys(config, layers, 15);
    const width = layerInts(config, "intermediate_size", layers);
    const perLayer = config.int("hidden_size_per_layer_input", 256);
    const inputs = config.int("altup_num_inputs", 4);
    if (inputs > 1000) config.fail("altup_num_inputs", "at most 1,000");
    const bias = config.flag("attention_bias", false);
    return decoder({
      family: "gemma3n_text",
      config,
      sizes,
      tiedByDefault: true,
      norm: "rms",
      layerNorms: [
        "input_layernorm",
        "post_attention_layernorm",
        "pre_feedforward_layernorm",
        "post_feedforward_layernorm",
      ],
      mixer: (layer) => {
        const parts = selfAttention({
          name: "self_attn",
          hiddenSize,
          heads,
          kvHeads,
          keyDim: headDim,
          bias: { qkv: bias, o: bias },
          qkNorm: "head",
          cache: isShared(layer) ? "shared" : "own",
          ...(isFull(layer) ? {} : { windowTokens: config.int("sliding_window", 512) }),
        });
        return {
          mixers: parts.mixers,
          tensors: without(parts, isShared(layer) ? ["k_proj", "v_proj", "k_norm"] : []),
        };
      },
      feedForward: (layer) =>
        gatedFeedForward(config, hiddenSize, { width: width(layer), activation: "gelu_pytorch_tanh" }),
      layerExtras: [
        ...altUpAndLaurel(hiddenSize, inputs, config.int("laurel_rank", 64)),
        ...perLayerInput(hiddenSize, perLayer),
      ],
      keyOf: (layer) => `${isFull(layer)} ${isShared(layer)} ${width(layer)}`,
      extraTensors: [
        ...perLayerEmbedding({
          hiddenSize,
          layers,
          width: perLayer,
          vocabSize: config.int("vocab_size_per_layer_input", 262_144),
        }),
        ...Array.from({ length: inputs - 1 }, (_, i) => [
          ...altUpProjection(`model.altup_projections.${i}`, hiddenSize),
          ...altUpProjection(`model.altup_unembed_projections.${i}`, hiddenSize),
        ]).flat(),
      ],
      notes,
    });
  },
};

function altUpProjection(name: string, hiddenSize: number): Tensor[] {
  return linear({ name, role: "other", group: "other", outDim: hiddenSize, inDim: hiddenSize });
}

/** An embedding of the modality's own tokens, two norms and one matrix into the text width. */
function embedder(
  config: ConfigReader,
  name: string,
  textSize: number,
  group: "projector" | "audio",
): Tensor[] {
  const width = config.int("hidden_size", group === "audio" ? 1536 : 2048);
  return [
    embedding(`${name}.embedding`, config.int("vocab_size", 128), width),
    ...norm(`${name}.hard_embedding_norm`, width),
    ...norm(`${name}.soft_embedding_norm`, width),
    ...projection(`${name}.embedding_projection`, textSize, width, false),
  ].map((tensor) => ({ ...tensor, group }));
}

export const gemma3n: Family = {
  id: "gemma3n",
  modelTypes: ["gemma3n"],
  classNames: ["Gemma3nForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, { modelType: "gemma3n_text" });
    const vision = part(config, "vision_config");
    const audio = part(config, "audio_config");
    return composite({
      family: "gemma3n",
      config,
      text,
      names: "model.language_model",
      towers: [gemma3nVision(vision, "model.vision_tower"), gemma3nAudio(audio, "model.audio_tower")],
      projector: [
        ...embedder(vision, "model.embed_vision", text.hiddenSize, "projector"),
        ...embedder(audio, "model.embed_audio", text.hiddenSize, "audio"),
      ],
    });
  },
};
