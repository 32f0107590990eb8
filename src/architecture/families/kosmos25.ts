/** Kosmos-2.5: Pix2Struct's image encoder, which reads patches with their row and column, before Kosmos-2's text. */
import { part } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { withDefaults } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import { linear, norm, positionEmbedding } from "../tensors.ts";
import type { TowerBuilder } from "../towers/image-encoders.ts";
import { encoderTower } from "../towers/tower.ts";
import { kosmos25Text, kosmosProjector } from "./queried.ts";

/** Gated MLPs and RMSNorms without a bias anywhere but at the patches. */
const pixVision: TowerBuilder = (given, prefix) => {
  const config = withDefaults(given, {
    hidden_size: 1536,
    patch_embed_hidden_size: 768,
    intermediate_size: 3968,
    head_dim: 64,
    num_hidden_layers: 18,
    num_attention_heads: 24,
    max_num_patches: 4096,
  });
  const hiddenSize = config.int("hidden_size");
  const rows = config.int("max_num_patches");
  const at = (name: string): string => `${prefix}.${name}`;
  return encoderTower({
    role: "vision",
    prefix: at("encoder.layer"),
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads: config.int("num_attention_heads"),
    headDim: config.int("head_dim"),
    attention: { name: "attention", names: ["query", "key", "value", "output"] },
    mlp: {
      name: "mlp",
      width: config.int("intermediate_size"),
      activation: activationOf(config, "gelu_new"),
      gated: ["wi_0", "wi_1", "wo"],
    },
    norm: "rms",
    norms: ["pre_mlp_layer_norm", "pre_attention_layer_norm"],
    outside: [
      ...linear({
        name: at("embeddings.patch_projection"),
        role: "other",
        group: "vision",
        outDim: hiddenSize,
        inDim: config.int("patch_embed_hidden_size"),
        bias: true,
      }),
      positionEmbedding(at("embeddings.row_embedder"), rows, hiddenSize),
      positionEmbedding(at("embeddings.column_embedder"), rows, hiddenSize),
      ...norm(at("layernorm"), hiddenSize),
    ],
  });
};

export const kosmos25 = compositeFamily({
  id: "kosmos-2.5",
  classNames: ["Kosmos2_5ForConditionalGeneration"],
  text: { modelType: "kosmos_2_5_text_model", readAs: kosmos25Text, tied: true, ties: "text-alone" },
  names: "unchanged",
  towers: (config) => [pixVision(part(config, "vision_config"), "vision_model")],
  projector: (parts) => kosmosProjector(parts, 2048),
});
