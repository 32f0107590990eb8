/** Audio encoders in front of a decoder: Qwen2-Audio, Voxtral, Qwen3-ASR. */
import { composite, languageModel, part, projection } from "../composite.ts";
import { withDefaults } from "../config-reader.ts";
import type { Family } from "../family.ts";
import { qwen3AudioTower } from "../towers/qwen-audio.ts";
import { whisperTower } from "../towers/whisper-encoder.ts";

const ENCODER = {
  num_mel_bins: 128,
  encoder_layers: 32,
  encoder_attention_heads: 20,
  encoder_ffn_dim: 5120,
  d_model: 1280,
} as const;

/** These classes have a head of their own whatever tie_word_embeddings says. */
const NEVER_TIED = { tie_word_embeddings: false } as const;

/** Whisper encoder and one biased linear. */
export const qwen2Audio: Family = {
  id: "qwen2_audio",
  modelTypes: ["qwen2_audio"],
  classNames: ["Qwen2AudioForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, {
      modelType: "qwen2",
      fixed: NEVER_TIED,
    });
    const audio = withDefaults(part(config, "audio_config"), ENCODER);
    return composite({
      family: "qwen2_audio",
      config,
      text,
      names: "language_model",
      towers: [whisperTower(audio, "audio_tower")],
      projector: projection(
        "multi_modal_projector.linear",
        text.hiddenSize,
        audio.int("d_model"),
        true,
        "audio",
      ),
    });
  },
};

/** Whisper encoder; its last states are folded to intermediate_size and projected by two linears. */
export const voxtral: Family = {
  id: "voxtral",
  modelTypes: ["voxtral"],
  classNames: ["VoxtralForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, {
      modelType: "llama",
      fixed: NEVER_TIED,
      defaults: {
        hidden_size: 3072,
        intermediate_size: 8192,
        num_hidden_layers: 30,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        head_dim: 128,
        vocab_size: 131_072,
      },
    });
    const audio = withDefaults(part(config, "audio_config"), {
      num_mel_bins: 128,
      num_hidden_layers: 32,
      num_attention_heads: 20,
      intermediate_size: 5120,
      hidden_size: 1280,
    });
    return composite({
      family: "voxtral",
      config,
      text,
      names: "language_model",
      towers: [whisperTower(audio, "audio_tower")],
      projector: [
        ...projection(
          "multi_modal_projector.linear_1",
          text.hiddenSize,
          audio.int("intermediate_size"),
          false,
          "audio",
        ),
        ...projection("multi_modal_projector.linear_2", text.hiddenSize, text.hiddenSize, false, "audio"),
      ],
    });
  },
};

/** The model is nested under thinker_config in published files, flat in newer ones; tied unless said otherwise. */
export const qwen3Asr: Family = {
  id: "qwen3_asr",
  modelTypes: ["qwen3_asr"],
  classNames: ["Qwen3ASRForConditionalGeneration"],
  build: (config, families) => {
    const thinker = config.child("thinker_config") ?? config;
    const text = languageModel(thinker, families, {
      modelType: "qwen3",
      readAs: "qwen3",
      tied: true,
      ties: "top",
      defaults: {
        hidden_size: 2048,
        intermediate_size: 6144,
        num_hidden_layers: 28,
        num_attention_heads: 16,
        num_key_value_heads: 8,
        vocab_size: 151_936,
      },
    });
    return composite({
      family: "qwen3_asr",
      config,
      text,
      names: "unchanged",
      towers: [qwen3AudioTower(part(thinker, "audio_config"), "audio_tower")],
    });
  },
};
