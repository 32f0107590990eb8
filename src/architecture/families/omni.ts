/** The thinkers of Qwen2.5-Omni and Qwen3-Omni: ears, eyes and a decoder. Their talkers and vocoders are not described. */

import { composite, languageModel, part } from "../composite.ts";
import type { ConfigReader } from "../config-reader.ts";
import { withDefaults } from "../config-reader.ts";
import { activationOf, type Family } from "../family.ts";
import { convolution, embedding, linear, norm } from "../tensors.ts";
import { qwen3AudioTower } from "../towers/qwen-audio.ts";
import { qwen3Vision, qwen25Vision } from "../towers/qwen-vision.ts";
import { type Tower, towerOf } from "../towers/tower.ts";
import { whisperLayer } from "../towers/whisper-encoder.ts";

/** Whisper layers under computed positions; a norm and a projection after them, two boundary embeddings. */
function qwen25AudioTower(given: ConfigReader, prefix: string): Tower {
  const config = withDefaults(given, {
    num_mel_bins: 128,
    encoder_layers: 32,
    encoder_attention_heads: 20,
    encoder_ffn_dim: 5120,
    d_model: 1280,
    output_dim: 3584,
  });
  const hiddenSize = config.int("d_model");
  const outDim = config.int("output_dim");
  activationOf(config, "gelu");
  const conv = (name: string, inDim: number) =>
    convolution({ name: `${prefix}.${name}`, group: "audio", shape: [hiddenSize, inDim, 3], bias: true });
  return towerOf({
    role: "audio",
    prefix: `${prefix}.layers`,
    hiddenSize,
    layers: config.layers("encoder_layers"),
    layer: whisperLayer(config),
    outside: [
      ...conv("conv1", config.int("num_mel_bins")),
      ...conv("conv2", hiddenSize),
      embedding(`${prefix}.audio_bos_eos_token`, 2, outDim),
      ...norm(`${prefix}.ln_post`, hiddenSize, "bias"),
      ...linear({
        name: `${prefix}.proj`,
        role: "other",
        group: "audio",
        outDim,
        inDim: hiddenSize,
        bias: true,
      }),
    ],
  });
}

export const qwen25OmniThinker: Family = {
  id: "qwen2_5_omni_thinker",
  modelTypes: ["qwen2_5_omni_thinker"],
  classNames: ["Qwen2_5OmniThinkerForConditionalGeneration"],
  build: (config, families) => {
    const text = languageModel(config, families, {
      modelType: "qwen2",
      readAs: "qwen2",
      defaults: {
        hidden_size: 3584,
        intermediate_size: 18_944,
        num_hidden_layers: 28,
        num_attention_heads: 28,
        num_key_value_heads: 4,
        vocab_size: 152_064,
      },
      ties: "top-alone",
    });
    return composite({
      family: "qwen2_5_omni_thinker",
      config,
      text,
      names: "unchanged",
      towers: [
        qwen25Vision(part(config, "vision_config"), "visual"),
        qwen25AudioTower(part(config, "audio_config"), "audio_tower"),
      ],
    });
  },
};

export const qwen3OmniThinker: Family = {
  id: "qwen3_omni_moe_thinker",
  modelTypes: ["qwen3_omni_moe_thinker"],
  classNames: ["Qwen3OmniMoeThinkerForConditionalGeneration"],
  build: (config, families) => {
    const nested = withDefaults(config.child("text_config") ?? config, {
      hidden_size: 2048,
      num_attention_heads: 28,
    });
    const text = languageModel(config, families, {
      modelType: "qwen3_moe",
      readAs: "qwen3_moe",
      defaults: {
        hidden_size: 2048,
        intermediate_size: 18_944,
        num_hidden_layers: 28,
        num_attention_heads: 28,
        num_key_value_heads: 4,
        // The class rounds down: 2048 / 28 = 73.
        head_dim: Math.floor(nested.int("hidden_size") / nested.int("num_attention_heads")),
        vocab_size: 3584,
      },
      ties: "top-alone",
    });
    const audio = withDefaults(part(config, "audio_config"), {
      encoder_layers: 32,
      encoder_attention_heads: 20,
      encoder_ffn_dim: 5120,
      d_model: 1280,
    });
    return composite({
      family: "qwen3_omni_moe_thinker",
      config,
      text,
      names: "unchanged",
      towers: [qwen3Vision(part(config, "vision_config"), "visual"), qwen3AudioTower(audio, "audio_tower")],
    });
  },
};
