/** The vision towers of Gemma 4 (a ViT with two position tables) and Gemma 3n (MobileNet-V5). */

import { withDefaults } from "../config-reader.ts";
import { buffer, linear, vector } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import { encoderTower, gateUpDownMlp } from "./tower.ts";

/** Each clipped linear keeps four bounds as buffers: lowest and highest input and output. */
export function clipBounds(group: "vision" | "audio", linears: readonly string[]) {
  return linears.map((name) => buffer(`${name}.{input,output}_{min,max}`, group, [4]));
}

/** Patches of 3*p*p, positions 2*n*h, four RMSNorms and q/k norms per layer; optional clip bounds and standardisation. */
export const gemma4Vision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 16,
    num_attention_heads: 12,
    num_key_value_heads: 12,
    head_dim: 64,
    patch_size: 16,
    position_embedding_size: 10_240,
  });
  const hiddenSize = config.int("hidden_size");
  const clipped = config.flag("use_clipped_linears", false);
  const linears = [
    ...["q_proj", "k_proj", "v_proj", "o_proj"].map((name) => `self_attn.${name}`),
    ...["gate_proj", "up_proj", "down_proj"].map((name) => `mlp.${name}`),
  ];
  return encoderTower({
    role: "vision",
    prefix: `${prefix}.encoder.layers`,
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads: config.int("num_attention_heads"),
    kvHeads: config.int("num_key_value_heads"),
    headDim: config.int("head_dim"),
    attention: { name: "self_attn", qkNorm: "head" },
    mlp: gateUpDownMlp(config, "gelu_pytorch_tanh"),
    norm: "rms",
    norms: [
      "input_layernorm",
      "post_attention_layernorm",
      "pre_feedforward_layernorm",
      "post_feedforward_layernorm",
    ],
    extras: clipped ? clipBounds("vision", linears) : [],
    outside: [
      ...linear({
        name: `${prefix}.patch_embedder.input_proj`,
        role: "other",
        group: "vision",
        outDim: hiddenSize,
        inDim: 3 * config.int("patch_size") ** 2,
      }),
      vector(`${prefix}.patch_embedder.position_embedding_table`, "vision", [
        2,
        config.int("position_embedding_size"),
        hiddenSize,
      ]),
      ...(config.flag("standardize", false)
        ? [
            buffer(`${prefix}.std_bias`, "vision", [hiddenSize]),
            buffer(`${prefix}.std_scale`, "vision", [hiddenSize]),
          ]
        : []),
    ],
  });
};

/** Parameters of mobilenetv5_300m_enc by stage, 294,126,912 in all (timm 1.0.29, timm/models/mobilenetv5.py). */
const MOBILENET_V5_300M: readonly (readonly [stage: string, parameters: number])[] = [
  ["conv_stem", 1_856],
  ["blocks.0", 1_492_608],
  ["blocks.1", 2_439_168],
  ["blocks.2", 63_407_744],
  ["blocks.3", 211_540_480],
  ["msfa", 15_245_056],
];

/**
 * MobileNet-V5 300M: convolutions, so no layers of ours; its stages are counted whole.
 *
 * @throws bad-config for another architecture.
 */
export const gemma3nVision: TowerBuilder = (config, prefix) => {
  if (config.text("architecture", "mobilenetv5_300m_enc") !== "mobilenetv5_300m_enc")
    config.fail("architecture", "mobilenetv5_300m_enc");
  return {
    stacks: [],
    tensors: MOBILENET_V5_300M.map(([stage, parameters]) =>
      vector(`${prefix}.timm_model.${stage}`, "vision", [parameters]),
    ),
  };
};
