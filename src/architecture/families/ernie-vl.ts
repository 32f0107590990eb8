/** ERNIE 4.5 VL: experts for words and experts for images in every sparse layer. */

import { part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import type { Tensor } from "../model.ts";
import { experts, moe } from "../moe.ts";
import { layerTypes } from "../stack.ts";
import { linear, norm, routerBalance } from "../tensors.ts";
import { blockTower, fcMlp, inGroup, readEncoderHeads, type Tower } from "../towers/tower.ts";

/** Widths of an expert for words and of one for images. */
function expertWidths(config: ConfigReader): readonly [words: number, images: number] {
  const [words, images, ...rest] = config.ints("moe_intermediate_size") ?? [1536, 512];
  if (words === undefined || images === undefined || words * images === 0 || rest.length > 0)
    return config.fail("moe_intermediate_size", "a width for words and one for images");
  return [words, images];
}

/** The same number for both kinds, alone or as a pair. */
function expertCount(config: ConfigReader): number {
  if (!Array.isArray(config.raw.moe_num_experts)) return config.int("moe_num_experts", 64);
  const [words, images, ...rest] = config.ints("moe_num_experts") ?? [];
  if (words === undefined || words === 0 || words !== images || rest.length > 0)
    return config.fail("moe_num_experts", "a number, or the same number twice");
  return words;
}

const ernieVlText = familyOf({
  id: "ernie4_5_vl_moe_text",
  classSizes: [2560, 12_288, 28, 20, 103_424],
  tied: true,
  kvHeads: 4,
  qkvBias: { key: "use_bias", otherwise: false },
  oBias: { key: "use_bias", otherwise: false },
  mlpBias: { key: "use_bias", otherwise: false },
  experts: (config, { hiddenSize, layers }) => {
    const types = layerTypes(config, layers, ["mlp_layer_types"], ["dense", "sparse"]);
    const [width, imageWidth] = expertWidths(config);
    const count = expertCount(config);
    const { active } = readExperts(config, { count, active: 6 }, { count: "(counted)", active: "moe_k" });
    return {
      sparse: (layer) => (types === undefined ? layer > 0 : types[layer] === "sparse"),
      build: () => {
        const words = moe({
          config,
          hiddenSize,
          experts: { count, active },
          width,
          name: "mlp.text_moe",
          choiceBias: "parameter",
          choiceBiasName: "gate.moe_statics.e_score_correction_bias",
          shared: {
            name: "shared_experts",
            width: width * config.count("moe_num_shared_experts", 2),
            bias: config.flag("use_bias", false),
          },
        });
        const { buffer: _, ...balance } = routerBalance(
          "mlp.vision_moe.gate.moe_statics.e_score_correction_bias",
          count,
        );
        const images = experts({
          name: "mlp.vision_moe.experts",
          router: "mlp.vision_moe.gate",
          hiddenSize,
          width: imageWidth,
          experts: count,
          // Words never touch them.
          activeExperts: 0,
        });
        return { ...words, tensors: [...words.tensors, ...images, balance] };
      },
    };
  },
});

/** Qwen2-VL's layers over patches as one matrix, and a norm behind them. */
function ernieVision(given: ConfigReader, prefix: string): Tower {
  const config = withDefaults(given, {
    depth: 32,
    hidden_size: 1280,
    num_heads: 16,
    patch_size: 14,
    intermediate_size: 5120,
  });
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_heads"]);
  const pixels = config.int("in_channels", 3) * config.int("patch_size") ** 2;
  return blockTower(config, prefix, {
    hiddenSize,
    heads,
    mlp: fcMlp(config, "quick_gelu"),
    norm: "layer",
    outside: [
      ...linear({
        name: `${prefix}.patch_embed.proj`,
        role: "other",
        group: "vision",
        outDim: hiddenSize,
        inDim: pixels,
      }),
      ...norm(`${prefix}.ln`, hiddenSize, "bias"),
    ],
  });
}

/** Patches merged over space, then over time, by two biased linears and a norm each. */
export const ernie45VlMoe = compositeFamily({
  id: "ernie4_5_vl_moe",
  classNames: ["Ernie4_5_VLMoeForConditionalGeneration"],
  text: { modelType: "ernie4_5_vl_moe_text", readAs: ernieVlText, tied: true, ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [ernieVision(part(config, "vision_config"), "model.vision_tower")],
  projector: ({ config, textSize, visionSize }) => {
    const vision = part(config, "vision_config");
    const space = visionSize * vision.int("spatial_merge_size", 2) ** 2;
    const time = space * vision.int("temporal_merge_size", 2);
    const at = (name: string): string => `model.resampler_model.${name}`;
    const merge = (name: string, inDim: number): Tensor[] => [
      ...projection(at(`${name}.fc1`), space, inDim, true),
      ...projection(at(`${name}.fc2`), space, space, true),
      ...inGroup("projector", norm(at(`${name}.ln`), space, "bias")),
    ];
    return [
      ...merge("spatial_linear", space),
      ...merge("temporal_linear", time),
      ...projection(at("mlp"), textSize, space, true),
      ...inGroup("projector", norm(at("after_norm"), textSize)),
    ];
  },
});
