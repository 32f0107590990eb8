/** Janus (arXiv:2410.13848): SigLIP's layers to see, a vector-quantised autoencoder to paint, Llama between. */
import { part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { convolution, embedding, norm, positionEmbedding } from "../tensors.ts";
import type { TowerBuilder } from "../towers/image-encoders.ts";
import { encoderTower, fcMlp, imagePatches, inGroup, patchCount, readEncoderHeads } from "../towers/tower.ts";

const janusVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 1024,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    image_size: 384,
    patch_size: 16,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const mlpWidth = Math.floor(hiddenSize * config.number("mlp_ratio", 4));
  if (!(mlpWidth >= 1 && mlpWidth <= 2 ** 31)) config.fail("mlp_ratio", "a factor that leaves an MLP");
  return encoderTower({
    role: "vision",
    prefix: `${prefix}.encoder.layers`,
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads,
    attention: {
      name: "self_attn",
      outName: "projection_layer",
      bias: { qkv: config.flag("attention_bias", true), o: true },
    },
    mlp: fcMlp(config, "gelu", mlpWidth),
    norm: "layer",
    norms: ["layer_norm1", "layer_norm2"],
    extras: config.flag("use_qk_norm", false)
      ? ["q_norm", "k_norm"].flatMap((name) => norm(`self_attn.${name}`, hiddenSize, "bias"))
      : [],
    outside: [
      ...imagePatches(config, `${prefix}.embeddings.patch_embedding`, hiddenSize),
      positionEmbedding(`${prefix}.embeddings.position_embedding`, patchCount(config), hiddenSize),
      ...norm(`${prefix}.post_layernorm`, hiddenSize, "bias"),
    ],
  });
};

const conv = (name: string, outDim: number, inDim: number, side: number): Tensor[] =>
  convolution({ name, group: "vision", shape: [outDim, inDim, side, side], bias: true });

/** Two norms and two convolutions of 3 x 3; one of 1 x 1 where the channels change. */
const residual = (name: string, from: number, to: number): Tensor[] => [
  ...norm(`${name}.norm1`, from, "bias"),
  ...conv(`${name}.conv1`, to, from, 3),
  ...norm(`${name}.norm2`, to, "bias"),
  ...conv(`${name}.conv2`, to, to, 3),
  ...(from === to ? [] : conv(`${name}.nin_shortcut`, to, from, 1)),
];

/** Attention over the pixels, its projections convolutions of 1 x 1. */
const pixelAttention = (name: string, size: number): Tensor[] => [
  ...norm(`${name}.norm`, size, "bias"),
  ...["q", "k", "v", "proj_out"].flatMap((each) => conv(`${name}.${each}`, size, size, 1)),
];

const middle = (name: string, size: number): Tensor[] => [
  ...residual(`${name}.block_1`, size, size),
  ...pixelAttention(`${name}.attn_1`, size),
  ...residual(`${name}.block_2`, size, size),
];

/** Encoder, code book and decoder: the channels grow by channel_multiplier from base_channels. */
function quantizer(config: ConfigReader, prefix: string): Tensor[] {
  const factors = config.ints("channel_multiplier") ?? [1, 1, 2, 2, 4];
  if (factors.length === 0 || factors.length > 100 || factors.includes(0))
    config.fail("channel_multiplier", "one to 100 factors from 1");
  const base = config.int("base_channels", 128);
  const latent = config.int("latent_channels", 256);
  const dim = config.int("embed_dim", 8);
  const blocks = config.layers("num_res_blocks", 2);
  if (blocks > 100) config.fail("num_res_blocks", "at most 100");
  const widths = factors.map((factor) => base * factor);
  const deepest = widths.length - 1;
  const widest = widths[deepest]!;
  const level = (side: "down" | "up", index: number, first: number, count: number): Tensor[] => {
    const at = `${prefix}.${side === "down" ? "encoder" : "decoder"}.${side}.${index}`;
    const width = widths[index]!;
    const resized = side === "down" ? index !== deepest : index !== 0;
    return [
      ...Array.from({ length: count }, (_, i) => [
        ...residual(`${at}.block.${i}`, i === 0 ? first : width, width),
        ...(index === deepest ? pixelAttention(`${at}.attn.${i}`, width) : []),
      ]).flat(),
      ...(resized ? conv(`${at}.${side}sample.conv`, width, width, 3) : []),
    ];
  };
  return inGroup("vision", [
    ...conv(`${prefix}.encoder.conv_in`, base, config.int("in_channels", 3), 3),
    ...widths.flatMap((_, i) => level("down", i, i === 0 ? base : widths[i - 1]!, blocks)),
    ...middle(`${prefix}.encoder.mid`, widest),
    ...norm(`${prefix}.encoder.norm_out`, widest, "bias"),
    ...conv(
      `${prefix}.encoder.conv_out`,
      config.flag("double_latent", false) ? 2 * latent : latent,
      widest,
      3,
    ),
    embedding(`${prefix}.quantize.embedding`, config.int("num_embeddings", 16_384), dim),
    ...conv(`${prefix}.quant_conv`, dim, latent, 1),
    ...conv(`${prefix}.post_quant_conv`, latent, dim, 1),
    ...conv(`${prefix}.decoder.conv_in`, widest, latent, 3),
    ...middle(`${prefix}.decoder.mid`, widest),
    ...widths.flatMap((_, i) => level("up", i, i === deepest ? widest : widths[i + 1]!, blocks + 1)),
    ...norm(`${prefix}.decoder.norm_out`, widths[0]!, "bias"),
    ...conv(`${prefix}.decoder.conv_out`, config.int("out_channels", 3), widths[0]!, 3),
  ]);
}

/** lin(d, w) and depth - 1 times lin(w, w). */
function aligner(config: ConfigReader, name: string, from: number, width: number, depth: number): Tensor[] {
  if (depth < 1 || depth > 1000) config.fail("depth", "a number from 1 to 1,000");
  return [
    ...projection(`${name}.fc1`, width, from, true),
    ...Array.from({ length: depth - 1 }, (_, i) =>
      projection(`${name}.hidden_layers.${i}`, width, width, true),
    ).flat(),
  ];
}

export const janus = compositeFamily({
  id: "janus",
  classNames: ["JanusForConditionalGeneration"],
  text: { modelType: "llama", tied: true, ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [
    janusVision(part(config, "vision_config"), "model.vision_model"),
    { stacks: [], tensors: quantizer(part(config, "vq_config"), "model.vqmodel") },
  ],
  projector: ({ config, visionSize }) => {
    const vision = part(config, "vision_config");
    const codes = part(config, "vq_config");
    const dim = codes.int("embed_dim", 8);
    const count = codes.int("num_embeddings", 16_384);
    const width = codes.int("projection_dim", 2048);
    return inGroup("projector", [
      ...aligner(
        vision,
        "model.aligner",
        visionSize,
        vision.int("projection_dim", 2048),
        vision.int("depth", 2),
      ),
      embedding("model.generation_embeddings", count, dim),
      ...aligner(codes, "model.generation_aligner", dim, width, codes.int("num_hidden_layers", 2)),
      ...projection("model.generation_head.proj_out", width, codes.int("image_token_embed_dim", 2048), true),
      ...projection("model.generation_head.vision_head", count, width, true),
    ]);
  },
});
