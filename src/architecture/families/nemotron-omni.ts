/** Nemotron-H with RADIO's eyes and, where the file describes them, Parakeet's ears. */
import { optionalPart, part, projection } from "../composite.ts";
import { type CompositeRow, compositeFamily } from "../composite-row.ts";
import { type ConfigReader, overriding, readConfig, withDefaults } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { buffer, linear, norm, vector } from "../tensors.ts";
import { towerFamily } from "../tower-family.ts";
import { conformerEncoder } from "../towers/conformer.ts";
import {
  encoderTower,
  fcMlp,
  gateUpDownMlp,
  inGroup,
  readEncoderHeads,
  type Tower,
} from "../towers/tower.ts";
import { ratioWidth } from "../towers/vit.ts";

const RADIO = {
  hidden_size: 1280,
  num_hidden_layers: 32,
  num_attention_heads: 16,
  num_channels: 3,
  patch_size: 16,
} as const;

/**
 * C-RADIO: a square of positions for the largest image, class and register tokens, patches as matrices without a
 * bias, one more for patches over time. Published files hold no scales, which the class of transformers has.
 */
function radioVision(given: ConfigReader, prefix: string, published = false): Tower {
  const config = withDefaults(given, RADIO);
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const at = (name: string): string => (prefix === "" ? name : `${prefix}.${name}`);
  const patch = config.int("patch_size");
  const patchDim = config.int("num_channels") * patch ** 2;
  const frames = config.optionalInt("video_temporal_patch_size");
  const side = Math.floor(config.int("max_img_size", 2048) / patch);
  const swiglu = config.flag("use_swiglu_ffn", false);
  const width = ratioWidth(config, hiddenSize);
  const tokens = config.count("num_cls_tokens", 3) + config.count("num_registers", 7);
  const lin = (name: string, inDim: number): Tensor[] =>
    linear({ name: at(`embeddings.${name}`), role: "other", group: "vision", outDim: hiddenSize, inDim });
  return encoderTower({
    role: "vision",
    prefix: at("encoder.layer"),
    layers: config.layers("num_hidden_layers"),
    hiddenSize,
    heads,
    attention: { name: "attention", bias: { qkv: config.flag("qkv_bias", true), o: true } },
    mlp: swiglu ? gateUpDownMlp(config, "silu", true, width) : fcMlp(config, "gelu", width),
    norm: "layer",
    norms: ["norm1", "norm2"],
    extras: published ? [] : [1, 2].map((i) => vector(`layer_scale${i}.lambda1`, "vision", [hiddenSize])),
    outside: [
      vector(at("embeddings.position_embedding"), "vision", [1, side * side, hiddenSize]),
      vector(at("embeddings.cls_register_token"), "vision", [tokens, hiddenSize]),
      ...lin("patch_projection", patchDim),
      ...(frames === undefined ? [] : lin("video_patch_projection", frames * patchDim)),
      {
        ...buffer(at("summary_idxs"), "vision", [(config.ints("summary_idxs") ?? [0, 1]).length]),
        pinnedFormat: "int64",
      },
    ],
  });
}

export const radio = towerFamily({
  id: "radio",
  prefix: "",
  tower: (config, prefix) => radioVision(config, prefix),
  heads: {
    RadioModel: ({ config }) =>
      ["norm_mean", "norm_std"].map((name) =>
        buffer(`input_conditioner.${name}`, "vision", [config.int("num_channels", 3), 1, 1]),
      ),
  },
});

/** A norm and two linears around `width`. */
const projector = (name: string, sizes: readonly [number, number, number], bias: boolean): Tensor[] => [
  ...norm(`${name}.layer_norm`, sizes[0]),
  ...projection(`${name}.linear_1`, sizes[1], sizes[0], bias),
  ...projection(`${name}.linear_2`, sizes[2], sizes[1], bias),
];

const AUDIO_KEYS = ["audio_config", "sound_config"] as const;

/** Parakeet's encoder; released files say nothing of the biases that this one does not have. */
function ears(config: ConfigReader): readonly Tower[] {
  const audio = config.child(AUDIO_KEYS);
  if (audio === undefined) return [];
  const { stack, tensors } = conformerEncoder(audio, {
    prefix: "audio_tower.",
    role: "audio",
    defaults: { attention_bias: false },
  });
  return [{ stacks: [stack], tensors: inGroup("audio", tensors) }];
}

const ROW: CompositeRow = {
  id: "nemotron_h_omni",
  classNames: ["NemotronH_Omni_Reasoning_V3"],
  text: {
    keys: ["text_config", "llm_config"],
    modelType: "nemotron_h",
    readAs: "nemotron_h",
    defaults: {
      hidden_size: 4096,
      num_attention_heads: 32,
      vocab_size: 131_072,
      intermediate_size: 21_504,
      num_key_value_heads: 8,
    },
  },
  names: "language_model",
  towers: (config) => {
    const frames = { video_temporal_patch_size: config.int("video_temporal_patch_size", 2) };
    const vision = optionalPart(config, "vision_config", RADIO);
    return [radioVision(overriding(vision, frames), "vision_model"), ...ears(config)];
  },
  projector: ({ config, text, textSize }) => {
    const seen = config.int(["vision_hidden_size", "vit_hidden_size"], 1280);
    const ratio = config.number("downsample_ratio", 0.5);
    const merge = Math.floor(1 / ratio);
    if (!(ratio > 0 && merge >= 1 && merge <= 1000))
      config.fail("downsample_ratio", "a ratio from 0.001 to 1");
    const audio = config.child(AUDIO_KEYS);
    return [
      ...(text.stacks.some(({ role }) => role === "mtp") ? norm("vision_final_layernorm", seen, "bias") : []),
      ...projector(
        "multi_modal_projector",
        [seen * merge ** 2, config.int("projector_hidden_size", 4096), textSize],
        false,
      ),
      ...(audio === undefined
        ? []
        : inGroup(
            "audio",
            projector(
              "embed_audio",
              [audio.int("hidden_size", 1024), audio.int("projection_hidden_size"), textSize],
              audio.flag("projection_bias", false),
            ),
          )),
    ];
  },
};

export const nemotronHOmni = compositeFamily(ROW);

/** The classes of the repositories: RADIO's own sizes, whatever its config says of its training. */
export const nemotronNanoVl = compositeFamily({
  ...ROW,
  id: "nemotron-nano-vl",
  modelTypes: ["NemotronH_Nano_VL_V2", "NemotronH_Nano_Omni_Reasoning_V3"],
  classNames: ["NemotronH_Nano_VL_V2", "NemotronH_Nano_Omni_Reasoning_V3"],
  towers: (config) => {
    const { hidden_size: width } = RADIO;
    if (config.int("vit_hidden_size", width) !== width)
      config.fail("vit_hidden_size", `${width}, C-RADIO-H's`);
    const vision = part(config, "vision_config");
    const read = {
      patch_size: vision.int("patch_size", RADIO.patch_size),
      video_temporal_patch_size: config.optionalInt("video_temporal_patch_size") ?? null,
    };
    return [
      radioVision(overriding(readConfig({}, config.file), read), "vision_model", true),
      ...ears(config),
    ];
  },
  customCode: "Nemotron-H with C-RADIO-H's encoder, ten tokens before its patches",
});
