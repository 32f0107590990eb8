/** Vision models whose classes live in their own repositories, sized by their published layouts. */

import { composite, languageModel, part, projection, type TextNames } from "../composite.ts";
import { type ConfigReader, overriding, readConfig } from "../config-reader.ts";
import { customCodeNote } from "../decoder-row.ts";
import type { Family, FamilyLookup } from "../family.ts";
import type { ArchitectureDraft, Tensor } from "../model.ts";
import { convolution, linear, norm, vector } from "../tensors.ts";
import { CLIP_L, clipVision, siglipVision } from "../towers/image-encoders.ts";
import { encoderTower, inGroup, type Tower } from "../towers/tower.ts";

function custom(
  spec: {
    readonly family: string;
    readonly config: ConfigReader;
    readonly text: ArchitectureDraft;
    readonly names: TextNames;
    readonly towers: readonly Tower[];
    readonly projector: readonly Tensor[];
  },
  layout: string,
): ArchitectureDraft {
  const draft = composite(spec);
  return { ...draft, notes: [...draft.notes, customCodeNote(spec.family, layout)] };
}

const CLIP_L_336 = { ...CLIP_L, model_type: "clip_vision_model", image_size: 336 } as const;

/**
 * Phi-3 and 3.5 Vision: CLIP-L at 336, patches folded by four, two biased linears, two learned separators.
 *
 * @example Phi-3.5-vision: 3,821,079,552 + 303,507,456 + 22,026,240 + 8,192 = 4,146,621,440
 */
export const phi3Vision: Family = {
  id: "phi3_v",
  modelTypes: ["phi3_v"],
  classNames: ["Phi3VForCausalLM"],
  build: (config, families) => {
    const processor = part(config, "img_processor");
    if (processor.text("name") !== "clip_vision_model")
      processor.fail("name", "clip_vision_model, the CLIP ViT-L/14 at 336 pixels");
    const width = processor.int("image_dim_out", 1024);
    if (width !== CLIP_L_336.hidden_size) processor.fail("image_dim_out", String(CLIP_L_336.hidden_size));
    const layer = part(config, "embd_layer");
    if (layer.text("projection_cls", "mlp") !== "mlp") layer.fail("projection_cls", "mlp");
    const text = families.build(overriding(config, { model_type: "phi3" }));
    const prefix = "model.vision_embed_tokens";
    const clip = readConfig(CLIP_L_336, config.file, { path: "img_processor", parent: config });
    return custom(
      {
        family: "phi3_v",
        config,
        text,
        names: "unchanged",
        towers: [clipVision(clip, `${prefix}.img_processor.vision_model`)],
        projector: [
          vector(`${prefix}.glb_GN`, "projector", [1, 1, 4 * width]),
          vector(`${prefix}.sub_GN`, "projector", [1, 1, 1, 4 * width]),
          ...projection(`${prefix}.img_projection.0`, text.hiddenSize, 4 * width, true),
          ...projection(`${prefix}.img_projection.2`, text.hiddenSize, text.hiddenSize, true),
        ],
      },
      "Phi-3 with CLIP ViT-L/14-336",
    );
  },
};

/**
 * Learned queries q*e attend to image tokens: kv_proj [e, d] without bias (when d is not e), attention
 * 4*e*e + 4e, three norms 6e, proj e*e (arXiv:2308.12966).
 */
function resampler(
  prefix: string,
  spec: { readonly queries: number; readonly width: number; readonly inputWidth: number },
): Tensor[] {
  const { queries, width, inputWidth } = spec;
  return inGroup("projector", [
    vector(`${prefix}.query`, "projector", [queries, width]),
    ...linear({
      name: `${prefix}.kv_proj`,
      role: "other",
      group: "projector",
      outDim: width,
      inDim: inputWidth,
    }),
    ...projection(`${prefix}.attn.in_proj`, 3 * width, width, true),
    ...projection(`${prefix}.attn.out_proj`, width, width, true),
    ...["ln_q", "ln_kv", "ln_post"].flatMap((name) => norm(`${prefix}.${name}`, width, "bias")),
    vector(`${prefix}.proj`, "projector", [width, width]),
  ]);
}

/** Language models of MiniCPM-V by release. */
const MINICPM_V_TEXT: { readonly [version: string]: string } = {
  "2.5": "llama",
  "2.6": "qwen2",
  "4": "llama",
  "4.5": "qwen3",
};

/**
 * MiniCPM-V 2.5 to 4.5: SigLIP at 980 pixels without a head, and a resampler of query_num queries.
 *
 * @example MiniCPM-V 4: 3,605,834,240 + 417,792,240 + 35,906,560 = 4,059,533,040
 */
export const minicpmV: Family = {
  id: "minicpmv",
  modelTypes: ["minicpmv"],
  classNames: ["MiniCPMV"],
  build: (config, families) => {
    const version = String(config.raw.version);
    const textType = Object.hasOwn(MINICPM_V_TEXT, version) ? MINICPM_V_TEXT[version] : undefined;
    if (textType === undefined)
      return config.fail("version", `one of ${Object.keys(MINICPM_V_TEXT).join(", ")}`);
    const text = families.build(overriding(config, { model_type: textType }));
    const given = part(config, "vision_config");
    const layers = given.layers("num_hidden_layers") - (config.flag("drop_vision_last_layer", true) ? 1 : 0);
    const vision = overriding(given, { num_hidden_layers: Math.max(0, layers), vision_use_head: false });
    return custom(
      {
        family: "minicpmv",
        config,
        text,
        names: "unchanged",
        towers: [siglipVision(vision, "vpm")],
        projector: resampler("resampler", {
          queries: config.int("query_num"),
          width: text.hiddenSize,
          inputWidth: vision.int("hidden_size"),
        }),
      },
      `${textType} with SigLIP and a resampler`,
    );
  },
};

/** VILA 1.5: a SigLIP tower with its head, patches folded by four under a norm, two biased linears. */
export const vila: Family = {
  id: "llava_llama",
  modelTypes: ["llava_llama"],
  classNames: ["LlavaLlamaModel"],
  build: (config, families) => {
    const projector = part(config, "mm_projector_cfg");
    if (projector.text("mm_projector_type") !== "mlp_downsample")
      projector.fail("mm_projector_type", "mlp_downsample");
    const vision = part(config, "vision_tower_cfg");
    if (vision.text("model_type") !== "siglip_vision_model") vision.fail("model_type", "siglip_vision_model");
    part(config, "llm_cfg");
    const text = languageModel(config, families, { keys: ["llm_cfg"], modelType: "llama" });
    const folded = 4 * config.int("mm_hidden_size", vision.int("hidden_size"));
    return custom(
      {
        family: "llava_llama",
        config,
        text,
        names: "unchanged",
        towers: [siglipVision(vision, "vision_tower.vision_model")],
        projector: [
          ...inGroup("projector", norm("mm_projector.layers.1", folded, "bias")),
          ...projection("mm_projector.layers.2", text.hiddenSize, folded, true),
          ...projection("mm_projector.layers.4", text.hiddenSize, text.hiddenSize, true),
        ],
      },
      "Llama with SigLIP and mlp_downsample",
    );
  },
};

/** Queries of Qwen-VL's resampler, and positions that its ViT was trained with: 16 x 16 both. */
const QWEN_VL_GRID = 256;

function qwenVlTower(config: ConfigReader, prefix: string): Tower {
  const width = config.int("width");
  const heads = config.int("heads");
  if (width % heads !== 0) config.fail("heads", `a divisor of the width ${width}`);
  const patch = config.int("patch_size");
  const mlpWidth = Math.floor(width * config.number("mlp_ratio"));
  if (!(mlpWidth >= 1 && mlpWidth <= 2 ** 31)) config.fail("mlp_ratio", "a factor that leaves an MLP");
  const outDim = config.int("output_dim");
  return encoderTower({
    role: "vision",
    prefix: `${prefix}.transformer.resblocks`,
    layers: config.layers("layers"),
    hiddenSize: width,
    heads,
    attention: {
      name: "attn",
      fused: "in_proj",
      outName: "out_proj",
      bias: { qkv: true, o: true },
    },
    mlp: { name: "mlp", width: mlpWidth, activation: "gelu", bias: true, plain: ["c_fc", "c_proj"] },
    norm: "layer",
    norms: ["ln_1", "ln_2"],
    outside: [
      ...convolution({ name: `${prefix}.conv1`, group: "vision", shape: [width, 3, patch, patch] }),
      vector(`${prefix}.positional_embedding`, "vision", [QWEN_VL_GRID, width]),
      ...norm(`${prefix}.ln_pre`, width, "bias"),
      // Fixed sines and cosines, kept as a parameter that is not trained.
      vector(`${prefix}.attn_pool.pos_embed`, "vision", [QWEN_VL_GRID, outDim]),
      ...resampler(`${prefix}.attn_pool`, { queries: QWEN_VL_GRID, width: outDim, inputWidth: width }),
    ],
  });
}

/**
 * Qwen-VL: ViT-bigG and a resampler of 256 queries (arXiv:2308.12966: 1.9B + 0.08B + 7.7B = 9.6B).
 *
 * @example 7,721,324,544 + 1,842,770,688 + 92,839,936 = 9,656,935,168
 */
export const qwenVl: Family = {
  id: "qwen_vl",
  modelTypes: ["qwen_vl"],
  insteadOf: { modelType: "qwen", key: "visual" },
  build: (config, families: FamilyLookup) =>
    custom(
      {
        family: "qwen_vl",
        config,
        text: families.build(overriding(config, { model_type: "qwen", visual: null })),
        names: "unchanged",
        towers: [qwenVlTower(part(config, "visual"), "transformer.visual")],
        projector: [],
      },
      "Qwen with ViT-bigG and a resampler",
    ),
};
