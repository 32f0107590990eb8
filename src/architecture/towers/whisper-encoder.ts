/** The Whisper encoder (arXiv:2212.04356), alone and inside audio language models. */

import type { ConfigReader } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { convolution, norm, positionEmbedding } from "../tensors.ts";
import { encoderLayer, readEncoderHeads, type Tower, towerOf } from "./tower.ts";

const HIDDEN = ["d_model", "hidden_size"] as const;
const HEADS = ["encoder_attention_heads", "num_attention_heads"] as const;
const WIDTH = ["encoder_ffn_dim", "intermediate_size"] as const;
const LAYERS = ["encoder_layers", "num_hidden_layers"] as const;

/** Attention whose keys have no bias, fc1 and fc2, two LayerNorms. */
export function whisperLayer(config: ConfigReader): LayerKind {
  const { hiddenSize, heads } = readEncoderHeads(config, HIDDEN, HEADS);
  return encoderLayer({
    hiddenSize,
    heads,
    attention: { name: "self_attn", outName: "out_proj", bias: { qkv: true, k: false, o: true } },
    mlp: {
      name: "",
      width: config.int(WIDTH),
      activation: activationOf(config, "gelu"),
      bias: true,
      plain: ["fc1", "fc2"],
    },
    norm: "layer",
    norms: ["self_attn_layer_norm", "final_layer_norm"],
  });
}

/** conv1 [h, mels, 3], conv2 [h, h, 3], positions and the final norm. */
export function whisperStem(config: ConfigReader, prefix: string): Tensor[] {
  const hiddenSize = config.int(HIDDEN);
  const conv = (name: string, inDim: number): Tensor[] =>
    convolution({ name: `${prefix}.${name}`, group: "other", shape: [hiddenSize, inDim, 3], bias: true });
  return [
    ...conv("conv1", config.int("num_mel_bins", 80)),
    ...conv("conv2", hiddenSize),
    positionEmbedding(`${prefix}.embed_positions`, config.int("max_source_positions", 1500), hiddenSize),
    ...norm(`${prefix}.layer_norm`, hiddenSize, "bias"),
  ];
}

/** The encoder as the audio tower of a language model. */
export function whisperTower(config: ConfigReader, prefix: string): Tower {
  return towerOf({
    role: "audio",
    prefix: `${prefix}.layers`,
    hiddenSize: config.int(HIDDEN),
    layers: config.layers(LAYERS),
    layer: whisperLayer(config),
    outside: whisperStem(config, prefix),
  });
}
