/** Phi-4-multimodal: Phi-3's decoder with SigLIP eyes and conformer ears. */

import { part, projection } from "../composite.ts";
import { type CompositeRow, compositeFamily } from "../composite-row.ts";
import { type ConfigReader, overriding, withDefaults } from "../config-reader.ts";
import type { Family } from "../family.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { buffer, convolution, embedding, linear, norm, vector } from "../tensors.ts";
import { SIGLIP_SO400M, siglipVision } from "../towers/image-encoders.ts";
import { inGroup, readEncoderHeads, type Tower } from "../towers/tower.ts";

const dense = (name: string, outDim: number, inDim: number): Tensor[] =>
  linear({ name, role: "other", group: "audio", outDim, inDim, bias: true });

/** A half-step MLP of a conformer: norm, gate and up in one matrix, down. */
function halfMlp(name: string, size: number, width: number): Tensor[] {
  return [
    ...norm(`${name}.layer_norm`, size, "bias"),
    ...dense(`${name}.gate_up_proj`, 2 * width, size),
    ...dense(`${name}.down_proj`, size, width),
  ];
}

/** Gated pointwise, depthwise and pointwise convolutions over time. */
function convolutionModule(config: ConfigReader, size: number): Tensor[] {
  const out = config.int("ext_pw_out_channel", 1024);
  const depth = size * config.int("depthwise_multiplier", 1);
  const separable = config.int("depthwise_separable_out_channel", 1024);
  const conv = (name: string, shape: readonly number[]): Tensor[] =>
    convolution({ name: `conv.${name}`, group: "audio", shape, bias: true });
  return [
    ...norm("conv.layer_norm", size, "bias"),
    ...conv("glu.ext_pw_conv_1d", [2 * out, size, 1]),
    vector("conv.glu.b1", "audio", [1, out, 1]),
    vector("conv.glu.b2", "audio", [1, out, 1]),
    ...conv("dw_sep_conv_1d.dw_conv", [depth, 1, config.int("kernel_size", 3)]),
    ...conv("dw_sep_conv_1d.pw_conv", [separable, depth, 1]),
    ...conv("ext_pw_conv_1d", [out, size, 1]),
  ];
}

/** Strided convolutions that shorten time by time_reduction, conformers, and one table of relative positions. */
function conformerTower(config: ConfigReader, prefix: string): Tower {
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const width = config.int("intermediate_size", 1536);
  const channels = config.int("nemo_conv_channels", 1024);
  const halvings = Math.floor(Math.log2(config.int("time_reduction", 8)));
  const mixer = selfAttention({
    name: "self_attn",
    hiddenSize,
    heads,
    kvHeads: heads,
    keyDim: hiddenSize / heads,
    bias: { qkv: true, o: true },
    cache: "none",
  });
  const conv = (at: number, shape: readonly number[]): Tensor[] =>
    convolution({ name: `${prefix}.embed.conv.${at}`, group: "audio", shape, bias: true });
  const buckets = config.int("bias_max_distance", 1000) * (config.flag("bias_symmetric", false) ? 1 : 2);
  const mels = config.int("input_size", 80);
  return {
    stacks: [
      stackOf({
        role: "audio",
        prefix: `${prefix}.encoders`,
        hiddenSize,
        layers: config.layers("num_blocks", 24),
        build: () => ({
          mixers: mixer.mixers,
          feedForward: { kind: "dense", width, gated: true, activation: "silu" },
          tensors: [
            ...halfMlp("feed_forward_in", hiddenSize, width),
            ...mixer.tensors,
            ...convolutionModule(config, hiddenSize),
            ...halfMlp("feed_forward_out", hiddenSize, width),
            ...norm("layer_norm_att", hiddenSize, "bias"),
            ...norm("layer_norm", hiddenSize, "bias"),
          ],
        }),
      }),
    ],
    tensors: inGroup("audio", [
      ...conv(0, [channels, 1, 3, 3]),
      ...Array.from({ length: Math.max(0, halvings - 1) }, (_, i) => [
        ...conv(3 * i + 2, [channels, 1, 3, 3]),
        ...conv(3 * i + 3, [channels, channels, 1, 1]),
      ]).flat(),
      ...dense(`${prefix}.embed.out`, hiddenSize, channels * config.int("nemo_final_size", 10)),
      embedding(`${prefix}.relative_attention_bias_layer.bias_values`, buckets, heads),
      buffer(`${prefix}.encoder_embedding.global_mean`, "audio", [mels]),
      buffer(`${prefix}.encoder_embedding.global_invstd`, "audio", [mels]),
    ]),
  };
}

const IMAGE = "model.embed_tokens_extend.image_embed";
const AUDIO = "model.embed_tokens_extend.audio_embed";

/** SigLIP with its pooling head, two vectors that separate crops, and three projectors of two linears each. */
const ROW: CompositeRow = {
  id: "phi4_multimodal",
  classNames: ["Phi4MultimodalForCausalLM"],
  text: { modelType: "phi3", readAs: "phi3", defaults: { num_key_value_heads: 8, vocab_size: 200_064 } },
  names: "unchanged",
  towers: (config) => [
    siglipVision(
      withDefaults(overriding(part(config, "vision_config"), { vision_use_head: true }), {
        ...SIGLIP_SO400M,
        image_size: 448,
      }),
      `${IMAGE}.img_processor`,
    ),
    conformerTower(
      withDefaults(part(config, "audio_config"), { hidden_size: 1024, num_attention_heads: 16 }),
      `${AUDIO}.encoder`,
    ),
  ],
  projector: ({ config, textSize, visionSize }) => {
    const heard =
      part(config, "audio_config").int("hidden_size", 1024) *
      part(config, "audio_config").int("downsample_rate", 1);
    return [
      vector(`${IMAGE}.global_img_feature_extensor`, "projector", [1, 1, visionSize]),
      vector(`${IMAGE}.sub_img_feature_extensor`, "projector", [1, 1, 1, visionSize]),
      ...projection(`${IMAGE}.img_projection_up`, textSize, visionSize, true),
      ...projection(`${IMAGE}.img_projection_down`, textSize, textSize, true),
      ...["speech", "vision_speech"].flatMap((kind) => [
        ...projection(`${AUDIO}.up_proj_for_${kind}`, textSize, heard, true, "audio"),
        ...projection(`${AUDIO}.down_proj_for_${kind}`, textSize, textSize, true, "audio"),
      ]),
    ];
  },
};

export const phi4Multimodal = compositeFamily(ROW);

/** The rank of an adapter, under the name that the file gives it; no adapter where the file describes none. */
const rankOf = (config: ConfigReader, name: string): number => config.child(`${name}_lora`)?.int("r") ?? 0;

/** An adapter of rank r beside every matrix of the layers: A [r, in] and B [out, r]. */
const adapted = (kind: LayerKind, ranks: readonly (readonly [name: string, rank: number])[]): LayerKind => ({
  ...kind,
  tensors: kind.tensors.flatMap((each) => {
    if (each.kind !== "linear") return [each];
    const [outDim, inDim] = each.shape as readonly [number, number];
    const { group } = each;
    const at = each.name.replace(/\.weight$/, "");
    return [
      each,
      ...ranks.flatMap(([name, rank]) => [
        ...linear({ name: `${at}.lora_A.${name}`, role: "other", group, outDim: rank, inDim }),
        ...linear({ name: `${at}.lora_B.${name}`, role: "other", group, outDim, inDim: rank }),
      ]),
    ];
  }),
});

/**
 * The class of the repository itself, whose file holds an adapter for images and one for sounds and names the towers'
 * settings otherwise.
 *
 * @example Phi-4-multimodal-instruct: 5_574_460_224, and 160 elements of buffers
 */
export const phi4mm: Family = {
  id: "phi4mm",
  modelTypes: ["phi4mm"],
  classNames: ["Phi4MMForCausalLM"],
  build: (config, families) => {
    const heard = config.child("audio_processor")?.child("config");
    const bias = heard?.child("relative_attention_bias_args");
    const towers = {
      vision_config: {},
      audio_config: {
        hidden_size: heard?.int("attention_dim", 1024) ?? 1024,
        num_attention_heads: heard?.int("attention_heads", 16) ?? 16,
        num_blocks: heard?.layers("num_blocks", 24) ?? 24,
        intermediate_size: heard?.int("linear_units", 1536) ?? 1536,
        kernel_size: heard?.int("kernel_size", 3) ?? 3,
        time_reduction: heard?.int("time_reduction", 8) ?? 8,
        bias_max_distance: bias?.int("t5_bias_max_distance", 500) ?? 500,
      },
    };
    const draft = compositeFamily({
      ...ROW,
      id: "phi4mm",
      text: { modelType: "phi3", readAs: "phi3" },
      customCode: "Phi-4-multimodal with its adapters beside the matrices",
    }).build(overriding(config, towers), families);
    const ranks = ["vision", "speech"]
      .map((name) => [name, rankOf(config, name)] as const)
      .filter(([, rank]) => rank > 0);
    return {
      ...draft,
      stacks: draft.stacks.map((stack) =>
        stack.role === "decoder"
          ? { ...stack, kinds: stack.kinds.map((kind) => adapted(kind, ranks)) }
          : stack,
      ),
    };
  },
};
