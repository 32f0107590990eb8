/** What turns the talkers' codes into sound: Qwen2.5-Omni's diffusion transformer and vocoder, Qwen3-Omni's decoder. */

import { type ConfigReader, withDefaults } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { convolution, embedding, linear, norm, vector } from "../tensors.ts";
import { inGroup } from "../towers/tower.ts";

const dense = (name: string, outDim: number, inDim: number): Tensor[] =>
  linear({ name, role: "other", group: "audio", outDim, inDim, bias: true });

const conv = (name: string, shape: readonly number[], bias = true): Tensor[] =>
  convolution({ name, group: "audio", shape, bias });

/** A transposed convolution: its bias has the width it writes, the second of its shape. */
const upsampling = (name: string, [inDim, outDim, kernel]: readonly [number, number, number]): Tensor[] => [
  ...conv(name, [inDim, outDim, kernel], false),
  vector(`${name}.bias`, "audio", [outDim]),
];

/** A list of whole numbers from 1, with bounds that keep the tensors countable. */
function sizes(config: ConfigReader, key: string, otherwise: readonly number[]): readonly number[] {
  const list = config.ints(key) ?? otherwise;
  if (list.length === 0 || list.length > 32 || list.includes(0)) config.fail(key, "one to 32 numbers from 1");
  return list;
}

const snake = (name: string, width: number): Tensor[] => [
  vector(`${name}.alpha`, "audio", [width]),
  vector(`${name}.beta`, "audio", [width]),
];

/** ECAPA-TDNN: time-delay layers, squeeze and excitation, attentive pooling of mean, deviation and frames. */
function speakerEncoder(config: ConfigReader, prefix: string, mels: number): Tensor[] {
  const channels = sizes(config, "enc_channels", [256, 256, 256, 256, 768]);
  const kernels = sizes(config, "enc_kernel_sizes", [5, 3, 3, 3, 1]);
  if (channels.length < 3 || channels.length !== kernels.length)
    config.fail("enc_channels", "three numbers at least, as many as enc_kernel_sizes");
  const attention = config.int("enc_attention_channels", 64);
  const squeezed = config.int("enc_se_channels", 64);
  const scale = config.int("enc_res2net_scale", 2);
  if (scale > 64) config.fail("enc_res2net_scale", "at most 64");
  const last = channels.length - 1;
  const joined = channels.slice(1, last).reduce((sum, width) => sum + width, 0);
  const at = (name: string): string => `${prefix}.${name}`;
  return [
    ...conv(at("blocks.0.conv"), [channels[0]!, mels, kernels[0]!]),
    ...channels.slice(1, last).flatMap((width, i) => {
      const block = at(`blocks.${i + 1}`);
      const part = Math.floor(width / scale);
      const from = channels[i]!;
      return [
        ...conv(`${block}.tdnn1.conv`, [width, from, 1]),
        ...Array.from({ length: scale - 1 }, (_, j) =>
          conv(`${block}.res2net_block.blocks.${j}.conv`, [part, part, kernels[i + 1]!]),
        ).flat(),
        ...conv(`${block}.tdnn2.conv`, [width, width, 1]),
        ...conv(`${block}.se_block.conv1`, [squeezed, width, 1]),
        ...conv(`${block}.se_block.conv2`, [width, squeezed, 1]),
        ...(from === width ? [] : conv(`${block}.shortcut`, [width, from, 1])),
      ];
    }),
    ...conv(at("mfa.conv"), [channels[last]!, joined, kernels[last]!]),
    ...conv(at("asp.tdnn.conv"), [attention, 3 * channels[last]!, 1]),
    ...conv(at("asp.conv"), [channels[last]!, attention, 1]),
    ...conv(at("fc"), [config.int("enc_dim", 128), 2 * channels[last]!, 1]),
  ];
}

/** Qwen2.5-Omni's codes to mel spectrum: a diffusion transformer with adaptive norms. */
export function diffusionTransformer(config: ConfigReader, prefix: string): Tensor[] {
  const dim = config.int(["hidden_size", "dim"], 1024);
  const layers = config.layers(["num_hidden_layers", "depth"], 22);
  if (layers > 1000) config.fail("num_hidden_layers", "at most 1,000 layers");
  const inner = config.int(["num_attention_heads", "heads"], 16) * config.int("head_dim", 64);
  const mels = config.int("mel_dim", 80);
  const codeDim = config.int("emb_dim", 512);
  const width = dim * config.int("ff_mult", 2);
  const read = mels + config.int("enc_dim", 128) + config.int("enc_emb_dim", 192) + codeDim;
  const at = (name: string): string => `${prefix}.${name}`;
  return inGroup("audio", [
    ...dense(at("time_embed.time_mlp.0"), dim, 256),
    ...dense(at("time_embed.time_mlp.2"), dim, dim),
    embedding(at("text_embed.codec_embed"), config.int("num_embeds", 8193) + 1, codeDim),
    ...dense(at("input_embed.proj"), dim, read),
    ...speakerEncoder(config, at("input_embed.spk_encoder"), mels),
    ...Array.from({ length: layers }, (_, layer) => {
      const block = at(`transformer_blocks.${layer}`);
      return [
        ...dense(`${block}.attn_norm.linear`, 6 * dim, dim),
        ...["to_q", "to_k", "to_v"].flatMap((name) => dense(`${block}.attn.${name}`, inner, dim)),
        ...dense(`${block}.attn.to_out.0`, dim, inner),
        ...dense(`${block}.ff.ff.0`, width, dim),
        ...dense(`${block}.ff.ff.3`, dim, width),
      ];
    }).flat(),
    ...dense(at("norm_out.linear"), 2 * dim, dim),
    ...dense(at("proj_out"), mels, dim),
  ]);
}

/** BigVGAN: mel spectrum to samples, halving the channels at each upsampling. */
export function vocoder(config: ConfigReader, prefix: string): Tensor[] {
  const first = config.int("upsample_initial_channel", 1536);
  const kernels = sizes(config, "upsample_kernel_sizes", [11, 7, 4, 4, 4, 4]);
  const blockKernels = sizes(config, "resblock_kernel_sizes", [3, 7, 11]);
  const width = (stage: number): number => Math.max(1, Math.floor(first / 2 ** stage));
  const at = (name: string): string => `${prefix}.${name}`;
  const last = width(kernels.length);
  return [
    ...conv(at("conv_pre"), [first, config.int("mel_dim", 80), 7]),
    ...kernels.flatMap((kernel, i) => upsampling(at(`ups.${i}.0`), [width(i), width(i + 1), kernel])),
    ...kernels.flatMap((_, i) =>
      blockKernels.flatMap((kernel, j) => {
        const block = at(`resblocks.${i * blockKernels.length + j}`);
        const channels = width(i + 1);
        return [0, 1, 2].flatMap((dilation) => [
          ...conv(`${block}.convs1.${dilation}`, [channels, channels, kernel]),
          ...conv(`${block}.convs2.${dilation}`, [channels, channels, kernel]),
          ...snake(`${block}.activations.${2 * dilation}.act`, channels),
          ...snake(`${block}.activations.${2 * dilation + 1}.act`, channels),
        ]);
      }),
    ),
    ...snake(at("activation_post.act"), last),
    ...conv(at("conv_post"), [1, last, 7], false),
  ];
}

/** Qwen3-Omni's codes to samples: a small transformer with layer scales, ConvNeXt upsampling, then a decoder. */
export function codeToWave(given: ConfigReader, prefix: string): Tensor[] {
  const config = withDefaults(given, { hidden_size: 1024, intermediate_size: 3072, num_attention_heads: 16 });
  const dim = config.int("hidden_size");
  const layers = config.layers("num_hidden_layers", 8);
  if (layers > 1000) config.fail("num_hidden_layers", "at most 1,000 layers");
  const heads = config.int("num_attention_heads");
  const headDim = config.int("head_dim", Math.max(1, Math.floor(dim / heads)));
  const keys = config.int("num_key_value_heads", 16) * headDim;
  const width = config.int("intermediate_size");
  const bias = config.flag("attention_bias", false);
  const matrix = (name: string, outDim: number, inDim: number, biased = false): Tensor[] =>
    linear({ name, role: "other", group: "audio", outDim, inDim, bias: biased });
  const at = (name: string): string => `${prefix}.${name}`;
  const rates = sizes(config, "upsample_rates", [8, 5, 4, 3]);
  const first = config.int("decoder_dim", 1536);
  const channels = (stage: number): number => Math.max(1, Math.floor(first / 2 ** stage));
  const last = channels(rates.length);
  return inGroup("audio", [
    ...Array.from({ length: layers }, (_, layer) => {
      const block = at(`pre_transformer.layers.${layer}`);
      return [
        ...matrix(`${block}.self_attn.q_proj`, heads * headDim, dim, bias),
        ...matrix(`${block}.self_attn.k_proj`, keys, dim, bias),
        ...matrix(`${block}.self_attn.v_proj`, keys, dim, bias),
        ...matrix(`${block}.self_attn.o_proj`, dim, heads * headDim, bias),
        ...matrix(`${block}.mlp.gate_proj`, width, dim),
        ...matrix(`${block}.mlp.up_proj`, width, dim),
        ...matrix(`${block}.mlp.down_proj`, dim, width),
        ...norm(`${block}.input_layernorm`, dim),
        ...norm(`${block}.post_attention_layernorm`, dim),
        vector(`${block}.self_attn_layer_scale.scale`, "audio", [dim]),
        vector(`${block}.mlp_layer_scale.scale`, "audio", [dim]),
      ];
    }).flat(),
    ...norm(at("pre_transformer.norm"), dim),
    embedding(
      at("code_embedding"),
      config.int("codebook_size", 2048) * config.int("num_quantizers", 16),
      dim,
    ),
    ...sizes(config, "upsampling_ratios", [2, 2]).flatMap((ratio, i) => [
      ...conv(at(`upsample.${i}.0.conv`), [dim, dim, ratio]),
      vector(at(`upsample.${i}.1.gamma`), "audio", [dim]),
      ...conv(at(`upsample.${i}.1.dwconv.conv`), [dim, 1, 7]),
      ...norm(at(`upsample.${i}.1.norm`), dim, "bias"),
      ...dense(at(`upsample.${i}.1.pwconv1`), 4 * dim, dim),
      ...dense(at(`upsample.${i}.1.pwconv2`), dim, 4 * dim),
    ]),
    ...conv(at("decoder.0.conv"), [first, dim, 7]),
    ...rates.flatMap((rate, i) => {
      const block = at(`decoder.${i + 1}.block`);
      const to = channels(i + 1);
      return [
        ...snake(`${block}.0`, channels(i)),
        ...upsampling(`${block}.1.conv`, [channels(i), to, 2 * rate]),
        ...[2, 3, 4].flatMap((unit) => [
          ...snake(`${block}.${unit}.act1`, to),
          ...conv(`${block}.${unit}.conv1.conv`, [to, to, 7]),
          ...snake(`${block}.${unit}.act2`, to),
          ...conv(`${block}.${unit}.conv2.conv`, [to, to, 1]),
        ]),
      ];
    }),
    ...snake(at(`decoder.${rates.length + 1}`), last),
    ...conv(at(`decoder.${rates.length + 2}.conv`), [1, last, 7]),
  ]);
}
