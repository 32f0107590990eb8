/** HunyuanOCR: a SigLIP-like encoder under a square of positions, patches merged by convolutions, HunYuan's dense decoder. */
import { optionalPart } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import { convolution, linear, norm, positionEmbedding, vector } from "../tensors.ts";
import { encoderTower, fcMlp, imagePatches, readEncoderHeads, type Tower } from "../towers/tower.ts";

const VISION = {
  hidden_size: 1152,
  intermediate_size: 4304,
  num_hidden_layers: 27,
  patch_size: 16,
} as const;

/** Two convolutions to four times the width, a linear to the decoder's, norms of both, and four marks. */
function hunyuanVision(config: ConfigReader, prefix: string, textSize: number): Tower {
  const headKeys = ["num_attention_heads", "attention_heads"];
  const { hiddenSize, heads } = config.has(headKeys)
    ? readEncoderHeads(config, ["hidden_size"], headKeys)
    : { hiddenSize: config.int("hidden_size"), heads: 16 };
  const side = Math.floor(config.int("max_image_size", 2048) / config.int("patch_size"));
  const merge = config.int("spatial_merge_size", 2);
  const at = (name: string): string => `${prefix}.patch_merger.${name}`;
  const conv = (name: string, outDim: number, inDim: number, kernel: number) =>
    convolution({ name: at(name), group: "vision", shape: [outDim, inDim, kernel, kernel], bias: true });
  return encoderTower({
    role: "vision",
    prefix: `${prefix}.layers`,
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads,
    attention: { name: "self_attn", bias: { qkv: true, o: true } },
    mlp: fcMlp(config),
    norm: "layer",
    norms: ["layer_norm1", "layer_norm2"],
    outside: [
      ...imagePatches(config, `${prefix}.embeddings.patch_embedding`, hiddenSize),
      positionEmbedding(`${prefix}.embeddings.position_embedding`, side * side + 1, hiddenSize),
      ...conv("proj_conv", 2 * hiddenSize, hiddenSize, merge),
      ...conv("proj_out", 4 * hiddenSize, 2 * hiddenSize, 1),
      ...linear({
        name: at("mlp"),
        role: "other",
        group: "vision",
        outDim: textSize,
        inDim: 4 * hiddenSize,
        bias: true,
      }),
      vector(at("image_newline"), "vision", [4 * hiddenSize]),
      ...["begin", "end", "sep"].map((name) => vector(at(`image_${name}`), "vision", [textSize])),
      ...norm(at("before_rms"), hiddenSize),
      ...norm(at("after_rms"), textSize),
    ],
  });
}

/** Published files state the decoder's sizes at the top. */
export const hunyuanVl = compositeFamily({
  id: "hunyuan_vl",
  classNames: ["HunYuanVLForConditionalGeneration"],
  text: {
    modelType: "hunyuan_v1_dense",
    readAs: "hunyuan_v1_dense",
    tied: true,
    ties: "text-alone",
    defaults: { vocab_size: 290_943 },
  },
  names: "model.language_model",
  towers: (config) => {
    const size = config.child("text_config")?.int("hidden_size", 4096) ?? config.int("hidden_size");
    return [hunyuanVision(optionalPart(config, "vision_config", VISION), "model.vision_tower", size)];
  },
});
