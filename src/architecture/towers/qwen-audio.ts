/** The audio tower of Qwen3-ASR and Qwen3-Omni: three strided convolutions over the spectrogram, then biased layers. */

import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import { convolution, linear, norm } from "../tensors.ts";
import { encoderTower, readEncoderHeads, type Tower } from "./tower.ts";

/**
 * conv2d1 [c, 1, 3, 3], conv2d2 and conv2d3 [c, c, 3, 3], conv_out [d, c*ceil(mels/8)], layers, ln_post,
 * proj1 lin(d, d), proj2 lin(d, output_dim).
 */
export function qwen3AudioTower(given: ConfigReader, prefix: string): Tower {
  const config = withDefaults(given, {
    num_mel_bins: 128,
    encoder_layers: 24,
    encoder_attention_heads: 16,
    encoder_ffn_dim: 4096,
    d_model: 1024,
    downsample_hidden_size: 480,
    output_dim: 3584,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["d_model"], ["encoder_attention_heads"]);
  const channels = config.int("downsample_hidden_size");
  // Each convolution halves the mel axis, rounding up.
  const bins = [1, 2, 3].reduce((size) => Math.ceil(size / 2), config.int("num_mel_bins"));
  const conv = (name: string, inDim: number) =>
    convolution({ name: `${prefix}.${name}`, group: "audio", shape: [channels, inDim, 3, 3], bias: true });
  const dense = (name: string, outDim: number, inDim: number, bias: boolean) =>
    linear({ name: `${prefix}.${name}`, role: "other", group: "audio", outDim, inDim, bias });
  return encoderTower({
    role: "audio",
    prefix: `${prefix}.layers`,
    layers: config.layers("encoder_layers"),
    hiddenSize,
    heads,
    attention: { name: "self_attn", outName: "out_proj", bias: { qkv: true, o: true } },
    mlp: {
      name: "",
      width: config.int("encoder_ffn_dim"),
      activation: activationOf(config, "gelu"),
      bias: true,
      plain: ["fc1", "fc2"],
    },
    norm: "layer",
    norms: ["self_attn_layer_norm", "final_layer_norm"],
    outside: [
      ...conv("conv2d1", 1),
      ...conv("conv2d2", channels),
      ...conv("conv2d3", channels),
      ...dense("conv_out", hiddenSize, channels * bins, false),
      ...norm(`${prefix}.ln_post`, hiddenSize, "bias"),
      ...dense("proj1", hiddenSize, hiddenSize, true),
      ...dense("proj2", config.int("output_dim"), hiddenSize, true),
    ],
  });
}
