/** The towers of Llama 3.2 Vision (tiles, gates, two transformers) and Llama 4 (pixel shuffle). */

import { type ConfigReader, withDefaults } from "../config-reader.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { embedding, linear, norm, vector } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import {
  encoderLayer,
  fcMlp,
  imagePatches,
  patchCount,
  readEncoderHeads,
  squareSize,
  towerOf,
} from "./tower.ts";

function llamaVisionLayer(
  config: ConfigReader,
  options: { readonly bias: boolean; readonly extras?: readonly Tensor[] },
): LayerKind {
  const { bias, extras = [] } = options;
  const { hiddenSize, heads } = readEncoderHeads(
    config,
    ["hidden_size"],
    ["attention_heads", "num_attention_heads"],
  );
  return encoderLayer({
    hiddenSize,
    heads,
    attention: { name: "self_attn", bias: { qkv: bias, o: bias } },
    mlp: fcMlp(config),
    norm: "layer",
    norms: ["input_layernorm", "post_attention_layernorm"],
    extras,
  });
}

/** Patches as one matrix, class and position vectors, and a pixel-shuffle adapter of two matrices. */
export const llama4Vision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 768,
    intermediate_size: 5632,
    num_hidden_layers: 34,
    num_attention_heads: 16,
    image_size: 448,
    patch_size: 14,
    projector_input_dim: 4096,
    projector_output_dim: 4096,
  });
  const hiddenSize = config.int("hidden_size");
  const [patchHeight, patchWidth] = squareSize(config, "patch_size");
  const matrix = (name: string, outDim: number, inDim: number): Tensor[] =>
    linear({ name: `${prefix}.${name}`, role: "other", group: "vision", outDim, inDim });
  const outDim = config.int("projector_output_dim");
  return towerOf({
    role: "vision",
    prefix: `${prefix}.model.layers`,
    hiddenSize,
    layers: config.layers("num_hidden_layers"),
    layer: llamaVisionLayer(config, { bias: true }),
    outside: [
      vector(`${prefix}.class_embedding`, "vision", [hiddenSize]),
      vector(`${prefix}.positional_embedding_vlm`, "vision", [patchCount(config) + 1, hiddenSize]),
      ...matrix(
        "patch_embedding.linear",
        hiddenSize,
        config.int("num_channels", 3) * patchHeight * patchWidth,
      ),
      ...norm(`${prefix}.layernorm_pre`, hiddenSize, "bias"),
      ...norm(`${prefix}.layernorm_post`, hiddenSize, "bias"),
      ...matrix("vision_adapter.mlp.fc1", config.int("projector_input_dim"), config.int("intermediate_size")),
      ...matrix("vision_adapter.mlp.fc2", outDim, outDim),
    ],
  });
};

/** Aspect ratios of up to max_num_tiles tiles: the published eight when the list is absent. */
function aspectRatios(config: ConfigReader): number {
  const listed = config.raw.supported_aspect_ratios;
  if (listed === undefined || listed === null) return 8;
  if (!Array.isArray(listed) || listed.length > 1000)
    config.fail("supported_aspect_ratios", "a list of at most 1,000 ratios");
  return listed.length;
}

/**
 * Positions per patch and per tile, embeddings of the tile before and after, each with a gate; local layers,
 * then global ones with two gates each. Attention without biases.
 */
export const mllamaVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 1280,
    intermediate_size: 5120,
    num_hidden_layers: 32,
    num_global_layers: 8,
    image_size: 448,
    patch_size: 14,
    ...(given.has(["attention_heads", "num_attention_heads"]) ? {} : { attention_heads: 16 }),
  });
  const hiddenSize = config.int("hidden_size");
  const tiles = config.int("max_num_tiles", 4);
  const ratios = aspectRatios(config) + 1;
  const patches = patchCount(config) + 1;
  const gate = (name: string): Tensor => vector(name, "vision", [1]);
  const tilePosition = (name: string): Tensor[] => [
    gate(`${prefix}.${name}.gate`),
    embedding(`${prefix}.${name}.embedding`, ratios, tiles * hiddenSize),
  ];
  const position = `${prefix}.gated_positional_embedding`;
  const layers = (list: string, key: string, extras: readonly Tensor[]) => ({
    role: "vision" as const,
    prefix: `${prefix}.${list}.layers`,
    hiddenSize,
    layers: config.layers(key),
    layer: llamaVisionLayer(config, { bias: false, extras }),
  });
  const local = towerOf({
    ...layers("transformer", "num_hidden_layers", []),
    outside: [
      vector(`${prefix}.class_embedding`, "vision", [hiddenSize]),
      ...imagePatches(config, `${prefix}.patch_embedding`, hiddenSize, { bias: false }),
      gate(`${position}.gate`),
      vector(`${position}.embedding`, "vision", [patches, hiddenSize]),
      embedding(`${position}.tile_embedding`, ratios, tiles * patches * hiddenSize),
      ...tilePosition("pre_tile_positional_embedding"),
      ...tilePosition("post_tile_positional_embedding"),
      ...norm(`${prefix}.layernorm_pre`, hiddenSize, "bias"),
      ...norm(`${prefix}.layernorm_post`, hiddenSize, "bias"),
    ],
  });
  const globals = towerOf({
    ...layers("global_transformer", "num_global_layers", [gate("gate_attn"), gate("gate_ffn")]),
    outside: [],
  });
  return { stacks: [...local.stacks, ...globals.stacks], tensors: local.tensors };
};
