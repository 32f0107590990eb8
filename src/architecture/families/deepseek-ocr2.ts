/** DeepSeek-OCR 2: Segment Anything's encoder, then Qwen 2's layers over its patches and learned queries, DeepSeek-MoE. */
import { optionalPart, part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { type ConfigReader, readConfig } from "../config-reader.ts";
import type { Family } from "../family.ts";
import { convolution, norm, positionEmbedding, vector } from "../tensors.ts";
import { samVision } from "../towers/sam-vision.ts";
import { encoderTower, gateUpDownMlp, inGroup, type Tower } from "../towers/tower.ts";

const QWEN2 = {
  hidden_size: 4096,
  intermediate_size: 22_016,
  num_hidden_layers: 32,
  num_attention_heads: 32,
} as const;

/** Queries for 144 and 256 patches; biases on q, k and v. */
export function queryEncoder(config: ConfigReader, prefix: string): Tower {
  const hiddenSize = config.int("hidden_size");
  const heads = config.int("num_attention_heads");
  if (hiddenSize % heads !== 0)
    config.fail("num_attention_heads", `a divisor of the hidden size ${hiddenSize}`);
  return encoderTower({
    role: "vision",
    prefix: `${prefix}.vision_encoder.layers`,
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads,
    kvHeads: config.int("num_key_value_heads", config.raw.num_key_value_heads === null ? heads : 32),
    attention: { name: "self_attn", bias: { qkv: true } },
    mlp: gateUpDownMlp(config, "silu"),
    norm: "rms",
    norms: ["input_layernorm", "post_attention_layernorm"],
    outside: [
      ...norm(`${prefix}.vision_encoder.norm`, hiddenSize),
      positionEmbedding(`${prefix}.query_768_resolution`, 144, hiddenSize),
      positionEmbedding(`${prefix}.query_1024_resolution`, 256, hiddenSize),
    ],
  });
}

/** Segment Anything and two strided convolutions to downsample_channels. */
function sam(config: ConfigReader, prefix: string): Tower {
  const { stacks, tensors } = samVision(config, prefix);
  const [first, second, ...more] = config.ints("downsample_channels") ?? [512, 896];
  if (first === undefined || second === undefined || first < 1 || second < 1 || more.length > 0)
    return config.fail("downsample_channels", "two numbers of channels");
  const conv = (name: string, outDim: number, inDim: number) =>
    convolution({ name: `${prefix}.proj.${name}`, group: "vision", shape: [outDim, inDim, 3, 3] });
  return {
    stacks,
    tensors: [
      ...tensors,
      ...inGroup("vision", [
        ...conv("conv1", first, config.int("output_channels", 256)),
        ...conv("conv2", second, first),
      ]),
    ],
  };
}

const nested = (config: ConfigReader, key: string): ConfigReader =>
  config.child(key) ?? readConfig({}, config.file);

const row = compositeFamily({
  id: "deepseek_ocr2",
  classNames: ["DeepseekOcr2ForConditionalGeneration"],
  text: {
    modelType: "deepseek",
    readAs: "deepseek",
    tied: false,
    ties: "top-alone",
    defaults: {
      vocab_size: 102_400,
      hidden_size: 4096,
      intermediate_size: 11_008,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      n_routed_experts: 64,
      n_shared_experts: 2,
      num_experts_per_tok: 6,
    },
  },
  names: "model.language_model",
  towers: (config) => {
    const vision = part(config, "vision_config");
    return [
      sam(nested(vision, "sam_config"), "model.vision_tower.sam_encoder"),
      queryEncoder(optionalPart(vision, "encoder_config", QWEN2), "model.vision_tower"),
    ];
  },
  projector: ({ config, textSize }) => {
    const seen = optionalPart(part(config, "vision_config"), "encoder_config", QWEN2).int("hidden_size");
    return [
      ...projection("model.multi_modal_projector", textSize, seen, true),
      vector("model.view_separator", "projector", [textSize]),
    ];
  },
});

/**
 * The text class is one of transformers' own here.
 *
 * @example DeepSeek-OCR-2: 3,389,119,360
 */
export const deepseekOcr2: Family = {
  ...row,
  build: (config, families) => {
    const draft = row.build(config, families);
    return { ...draft, notes: draft.notes.filter(({ code }) => code !== "custom-code-layout") };
  },
};
