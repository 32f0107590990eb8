/** InternViT: class token, learned positions, a scale per channel after attention and MLP. */

import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { norm, vector } from "../tensors.ts";
import { encoderTower, fcMlp, imagePatches, patchCount, readEncoderHeads, type Tower } from "./tower.ts";

interface Names {
  readonly layers: string;
  readonly positions: string;
  readonly classToken: string;
  readonly patches: string;
  readonly fusedQkv: boolean;
  readonly out: string;
  readonly scales: readonly [string, string];
  readonly norms: readonly [string, string];
}

/** As the model's own repository names things. */
const PUBLISHED: Names = {
  layers: "encoder.layers",
  positions: "embeddings.position_embedding",
  classToken: "embeddings.class_embedding",
  patches: "embeddings.patch_embedding",
  fusedQkv: true,
  out: "proj",
  scales: ["ls1", "ls2"],
  norms: ["norm1", "norm2"],
};
/** As transformers names them. */
const NATIVE: Names = {
  layers: "encoder.layer",
  positions: "embeddings.position_embeddings",
  classToken: "embeddings.cls_token",
  patches: "embeddings.patch_embeddings.projection",
  fusedQkv: false,
  out: "projection_layer",
  scales: ["lambda_1", "lambda_2"],
  norms: ["layernorm_before", "layernorm_after"],
};

interface Options {
  readonly qkvBias: boolean;
  readonly qkNorm: boolean;
  readonly positions: boolean;
  readonly maskToken: boolean;
}

function internVision(config: ConfigReader, prefix: string, names: Names, options: Options): Tower {
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const normType = config.text("norm_type", "layer_norm");
  if (normType !== "layer_norm" && normType !== "rms_norm")
    config.fail("norm_type", "layer_norm or rms_norm");
  return encoderTower({
    role: "vision",
    prefix: `${prefix}.${names.layers}`,
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads,
    attention: {
      name: names.fusedQkv ? "attn" : "attention",
      ...(names.fusedQkv ? { fused: "qkv" } : {}),
      outName: names.out,
      bias: { qkv: options.qkvBias, o: true },
      ...(options.qkNorm ? { qkNorm: "projection" } : {}),
    },
    mlp: fcMlp(config),
    norm: normType === "rms_norm" ? "rms" : "layer",
    norms: names.norms,
    extras: names.scales.map((name) => vector(name, "vision", [hiddenSize])),
    outside: [
      vector(`${prefix}.${names.classToken}`, "vision", [1, 1, hiddenSize]),
      ...(options.maskToken ? [vector(`${prefix}.embeddings.mask_token`, "vision", [1, 1, hiddenSize])] : []),
      ...(options.positions
        ? [vector(`${prefix}.${names.positions}`, "vision", [1, patchCount(config) + 1, hiddenSize])]
        : []),
      ...imagePatches(config, `${prefix}.${names.patches}`, hiddenSize),
      // The native class normalises after the layers only without mean pooling.
      ...(names === NATIVE && !config.flag("use_mean_pooling", true)
        ? norm(`${prefix}.layernorm`, hiddenSize, "bias")
        : []),
    ],
  });
}

/** The tower of an internvl_chat file. */
export function internVisionPublished(config: ConfigReader, prefix: string): Tower {
  return internVision(config, prefix, PUBLISHED, {
    qkvBias: config.flag("qkv_bias", false),
    qkNorm: config.flag("qk_normalization", true),
    positions: true,
    maskToken: false,
  });
}

/** The tower of an internvl file, or of a class that has biases where it has none. */
export function internVisionNative(
  given: ConfigReader,
  prefix: string,
  { qkvBias = false }: { readonly qkvBias?: boolean } = {},
): Tower {
  const config = withDefaults(given, {
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    image_size: 448,
    patch_size: 14,
  });
  return internVision(config, prefix, NATIVE, {
    qkvBias: config.flag("attention_bias", qkvBias),
    qkNorm: config.flag("use_qk_norm", false),
    positions: config.flag("use_absolute_position_embeddings", true),
    maskToken: config.flag("use_mask_token", false),
  });
}
