/** Janus (arXiv:2410.13848): SigLIP's layers to see, a vector-quantised autoencoder to paint, Llama between. */
import { part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { embedding, norm, positionEmbedding } from "../tensors.ts";
import type { TowerBuilder } from "../towers/image-encoders.ts";
import { encoderTower, fcMlp, imagePatches, inGroup, patchCount, readEncoderHeads } from "../towers/tower.ts";
import { janusCodes } from "../towers/vq-image.ts";

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
    janusCodes(part(config, "vq_config"), "model.vqmodel"),
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
