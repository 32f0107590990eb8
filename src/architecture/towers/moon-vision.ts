/** MoonViT (Kimi K2.5, Kimi-VL's line) and Muse Glimmer's tower: biased layers with q, k and v apart, learned positions on a grid. */

import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { layerNorm } from "../decoder.ts";
import { activationOf } from "../family.ts";
import type { LayerKind } from "../model.ts";
import { convolution, linear, norm, positionEmbedding, vector } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import { encoderLayer, squareSize, towerOf } from "./tower.ts";

const HIDDEN = ["vt_hidden_size", "hidden_size"] as const;
const HEADS = ["vt_num_attention_heads", "num_attention_heads"] as const;
const WIDTH = ["vt_intermediate_size", "intermediate_size"] as const;
const LAYERS = ["vt_num_hidden_layers", "num_hidden_layers"] as const;

/** The same config with the class's defaults for the keys that no alias states. */
function completed(config: ConfigReader, defaults: readonly (readonly [readonly string[], number])[]) {
  const missing = defaults.filter(([keys]) => !config.has(keys));
  return withDefaults(
    config,
    Object.fromEntries(missing.map(([keys, value]) => [keys[keys.length - 1]!, value])),
  );
}

/** What K3 writes down and K2.5 does not: RMSNorms, no biases, attention wider than the tower. */
function moonLayer(config: ConfigReader, activation: string): LayerKind {
  const hiddenSize = config.int(HIDDEN);
  const heads = config.int(HEADS);
  const inner = config.int("qkv_hidden_size", hiddenSize);
  if (inner % heads !== 0) config.fail("vt_num_attention_heads", `a divisor of the attention width ${inner}`);
  const attentionBias = config.flag("attn_bias", true);
  return encoderLayer({
    hiddenSize,
    heads,
    headDim: inner / heads,
    attention: { name: "attn", outName: "proj", bias: { qkv: attentionBias, o: attentionBias } },
    mlp: {
      name: "mlp",
      width: config.int(WIDTH),
      activation: activationOf(config, activation),
      bias: config.flag("linear_bias", true),
      plain: ["fc1", "fc2"],
    },
    norm: moonNorm(config),
    norms: ["norm1", "norm2"],
  });
}

function moonNorm(config: ConfigReader): "rms" | "layer" {
  const name = config.text("norm_type", "layernorm");
  if (name !== "rmsnorm" && name !== "layernorm") config.fail("norm_type", "rmsnorm or layernorm");
  return name === "rmsnorm" ? "rms" : "layer";
}

/** Patches with a bias, positions height*width*h (time is a fixed table), a final norm. */
export const moonVision: TowerBuilder = (given, prefix) => {
  const config = completed(given, [
    [HIDDEN, 1152],
    [HEADS, 16],
    [WIDTH, 4304],
    [LAYERS, 27],
    [["patch_size"], 14],
  ]);
  const hiddenSize = config.int(HIDDEN);
  const [patchHeight, patchWidth] = squareSize(config, "patch_size");
  const grid = [
    config.int(["init_pos_emb_height", "pos_emb_height"], 64),
    config.int(["init_pos_emb_width", "pos_emb_width"], 64),
  ];
  return towerOf({
    role: "vision",
    prefix: `${prefix}.encoder.blocks`,
    hiddenSize,
    layers: config.layers(LAYERS),
    layer: moonLayer(config, "gelu_pytorch_tanh"),
    outside: [
      ...convolution({
        name: `${prefix}.patch_embed.proj`,
        group: "vision",
        shape: [hiddenSize, 3, patchHeight, patchWidth],
        bias: config.flag("patch_embed_proj_bias", true),
      }),
      vector(`${prefix}.patch_embed.pos_emb.weight`, "vision", [...grid, hiddenSize]),
      ...layerNorm(moonNorm(config), `${prefix}.encoder.final_layernorm`, hiddenSize),
    ],
  });
};

/** Patches over time without a bias, positions height*width*h, norms before and after. */
export const museVision: TowerBuilder = (given, prefix) => {
  const config = completed(given, [
    [HIDDEN, 1536],
    [HEADS, 16],
    [WIDTH, 8960],
    [LAYERS, 50],
  ]);
  const hiddenSize = config.int(HIDDEN);
  const patch = config.int("patch_size", 14);
  return towerOf({
    role: "vision",
    prefix: `${prefix}.layers`,
    hiddenSize,
    layers: config.layers(LAYERS),
    layer: moonLayer(config, "gelu"),
    outside: [
      ...linear({
        name: `${prefix}.patch_embedder.patch_embedding`,
        role: "other",
        group: "vision",
        outDim: hiddenSize,
        inDim: config.int("patch_temporal", 2) * 3 * patch ** 2,
      }),
      positionEmbedding(
        `${prefix}.patch_embedder.position_embedding_table`,
        config.int("pos_emb_height", 32) * config.int("pos_emb_width", 32),
        hiddenSize,
      ),
      ...norm(`${prefix}.ln_pre`, hiddenSize, "bias"),
      ...norm(`${prefix}.ln_post`, hiddenSize, "bias"),
    ],
  });
};
