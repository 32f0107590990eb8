/** Rarer encoders of sound in front of a decoder: Audio Flamingo 3, GLM-ASR, Voxtral Realtime. */
import { composite, languageModel, projection } from "../composite.ts";
import { type ConfigReader, readConfig, withDefaults } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import { activationOf, type Family } from "../family.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { convolution, linear, norm } from "../tensors.ts";
import { encoderLayer, gateUpDownMlp, inGroup, readEncoderHeads, type Tower } from "../towers/tower.ts";
import { whisperTower } from "../towers/whisper-encoder.ts";
import { everyLayerWindow } from "../windows.ts";
import { MISTRAL } from "./llama.ts";

/** The encoder of Whisper's large models. */
const ENCODER = {
  num_mel_bins: 128,
  num_hidden_layers: 32,
  num_attention_heads: 20,
  intermediate_size: 5120,
  hidden_size: 1280,
} as const;

/** The audio part, or the class's own where the file has none. */
function audioPart(
  config: ConfigReader,
  defaults: Readonly<Record<string, unknown>> = ENCODER,
): ConfigReader {
  return withDefaults(config.child("audio_config") ?? readConfig({}, config.file), defaults);
}

/** Whisper's encoder and two linears; the class never ties the head. */
function flamingo(id: string, className: string): Family {
  return {
    id,
    modelTypes: [id],
    classNames: [className],
    build: (config, families) => {
      const text = languageModel(config, families, {
        modelType: "qwen2",
        fixed: { tie_word_embeddings: false },
      });
      const audio = audioPart(config);
      const bias = config.flag("projector_bias", true);
      const width = audio.int(["hidden_size", "d_model"]);
      return composite({
        family: id,
        config,
        text,
        names: "model.language_model",
        towers: [whisperTower(audio, "model.audio_tower")],
        projector: [
          ...projection("model.multi_modal_projector.linear_1", text.hiddenSize, width, bias, "audio"),
          ...projection(
            "model.multi_modal_projector.linear_2",
            text.hiddenSize,
            text.hiddenSize,
            bias,
            "audio",
          ),
        ],
      });
    },
  };
}

/** conv1 [h, mels, 3] and conv2 [h, h, 3], with biases. */
function stem(config: ConfigReader, hiddenSize: number, prefix: string): Tensor[] {
  const conv = (name: string, inDim: number): Tensor[] =>
    convolution({ name: `${prefix}.${name}`, group: "audio", shape: [hiddenSize, inDim, 3], bias: true });
  return [...conv("conv1", config.int("num_mel_bins", 128)), ...conv("conv2", hiddenSize)];
}

function rotaryTower(
  config: ConfigReader,
  spec: { readonly stem: string; readonly layer: () => LayerKind; readonly normBias: "bias" | "no-bias" },
): Tower {
  const hiddenSize = config.int("hidden_size");
  return {
    stacks: [
      stackOf({
        role: "audio",
        prefix: "model.audio_tower.layers",
        hiddenSize,
        layers: config.layers("num_hidden_layers"),
        build: spec.layer,
      }),
    ],
    tensors: [
      ...stem(config, hiddenSize, spec.stem),
      ...inGroup("audio", norm("model.audio_tower.norm", hiddenSize, spec.normBias)),
    ],
  };
}

/** Whisper's encoder with rotary positions; four states are folded into one for the decoder. */
const glmAsr: Family = {
  id: "glmasr",
  modelTypes: ["glmasr"],
  classNames: ["GlmAsrForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, {
      modelType: "llama",
      tied: true,
      ties: "top-alone",
      defaults: {
        vocab_size: 59_264,
        hidden_size: 2048,
        intermediate_size: 6144,
        num_hidden_layers: 28,
        num_attention_heads: 16,
        num_key_value_heads: 4,
      },
    });
    const audio = audioPart(config);
    const { hiddenSize, heads } = readEncoderHeads(audio, ["hidden_size"], ["num_attention_heads"]);
    const width = audio.int("intermediate_size");
    return composite({
      family: "glmasr",
      config,
      text,
      names: "model.language_model",
      towers: [
        rotaryTower(audio, {
          stem: "model.audio_tower",
          normBias: "bias",
          layer: () =>
            encoderLayer({
              hiddenSize,
              heads,
              headDim: audio.int("head_dim", hiddenSize / heads),
              kvHeads: audio.int("num_key_value_heads", heads),
              attention: { name: "self_attn", bias: { qkv: true, k: false, o: true } },
              mlp: {
                name: "mlp",
                width,
                activation: activationOf(audio, "gelu"),
                bias: true,
                plain: ["fc1", "fc2"],
              },
              norm: "layer",
              norms: ["input_layernorm", "post_attention_layernorm"],
            }),
        }),
      ],
      projector: [
        ...projection("model.multi_modal_projector.linear_1", 2 * text.hiddenSize, width, true, "audio"),
        ...projection(
          "model.multi_modal_projector.linear_2",
          text.hiddenSize,
          2 * text.hiddenSize,
          true,
          "audio",
        ),
      ],
    });
  },
};

/** Mistral with a scale per layer computed from the delay: two linears around 32 channels. */
const voxtralRealtimeText = familyOf({
  ...MISTRAL,
  id: "voxtral_realtime_text",
  window: (config, layers) => everyLayerWindow(config, layers, 8192),
  layerExtras: (_config, { hiddenSize }) =>
    [["linear1", 32, hiddenSize] as const, ["linear2", hiddenSize, 32] as const].flatMap(
      ([name, outDim, inDim]) =>
        linear({ name: `ada_rms_norm.${name}`, role: "other", group: "norms", outDim, inDim }),
    ),
});

/** A causal encoder with gated MLPs whose last states are folded by downsample_factor. */
const voxtralRealtime: Family = {
  id: "voxtral_realtime",
  modelTypes: ["voxtral_realtime"],
  classNames: ["VoxtralRealtimeForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, {
      modelType: "voxtral_realtime_text",
      readAs: voxtralRealtimeText,
      tied: true,
      ties: "top-alone",
      defaults: {
        vocab_size: 131_072,
        hidden_size: 3072,
        intermediate_size: 9216,
        num_hidden_layers: 26,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        max_position_embeddings: 131_072,
        head_dim: 128,
      },
    });
    const audio = audioPart(config, { ...ENCODER, num_attention_heads: 32, head_dim: 64 });
    const hiddenSize = audio.int("hidden_size");
    const folded = hiddenSize * config.int("downsample_factor", 4);
    return composite({
      family: "voxtral_realtime",
      config,
      text,
      names: "model.language_model",
      towers: [
        rotaryTower(audio, {
          stem: "model.audio_tower.embedder",
          normBias: "no-bias",
          layer: () => {
            const layer = encoderLayer({
              hiddenSize,
              heads: audio.int("num_attention_heads"),
              headDim: audio.int("head_dim"),
              attention: { name: "self_attn", bias: { qkv: true, k: false, o: true } },
              mlp: gateUpDownMlp(audio, "silu", true),
              norm: "rms",
              norms: ["self_attn_layer_norm", "final_layer_norm"],
            });
            // Only down has a bias.
            return {
              ...layer,
              tensors: layer.tensors.filter(
                ({ name, kind }) => kind !== "bias" || !/^mlp\.(gate|up)_proj/.test(name),
              ),
            };
          },
        }),
      ],
      projector: [
        ...projection("model.multi_modal_projector.linear_1", text.hiddenSize, folded, false, "audio"),
        ...projection(
          "model.multi_modal_projector.linear_2",
          text.hiddenSize,
          text.hiddenSize,
          false,
          "audio",
        ),
      ],
    });
  },
};

export const AUDIO_COMPOSITES: readonly Family[] = [
  flamingo("audioflamingo3", "AudioFlamingo3ForConditionalGeneration"),
  flamingo("musicflamingo", "MusicFlamingoForConditionalGeneration"),
  glmAsr,
  voxtralRealtime,
];
