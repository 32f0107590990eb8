/** Qwen2.5-Omni and Qwen3-Omni whole: the thinker, the talker that speaks its answer, and what makes sound of it. */

import { part, projection } from "../composite.ts";
import { type ConfigReader, overriding, withDefaults } from "../config-reader.ts";
import type { Family } from "../family.ts";
import type { ArchitectureDraft, Note, Stack, Tensor } from "../model.ts";
import { embedding, linear, vector } from "../tensors.ts";
import { inGroup } from "../towers/tower.ts";
import { codeToWave, diffusionTransformer, vocoder } from "./omni-voice.ts";

/** The cache and the activations are the thinker's: the talker's own come when it speaks. */
export const TALKER_NOTE: Note = {
  code: "talker-cache-left-out",
  message: "the talker's weights are counted, its own small cache is not",
};

/** A decoder as a part of the sound: its layers keep no cache of the model's, its tensors are audio. */
export function asAudio(draft: ArchitectureDraft, prefix: string): { stacks: Stack[]; tensors: Tensor[] } {
  const own = (tensor: Tensor): Tensor => ({ ...tensor, group: "audio" });
  return {
    stacks: draft.stacks.map((stack) => ({
      ...stack,
      role: "audio",
      prefix: `${prefix}.${stack.prefix}`,
      kinds: stack.kinds.map((kind) => ({ ...kind, tensors: kind.tensors.map(own) })),
    })),
    tensors: draft.tensors.map((tensor) => ({ ...own(tensor), name: `${prefix}.${tensor.name}` })),
  };
}

const unnamed = (draft: ArchitectureDraft, dropped: RegExp): ArchitectureDraft => ({
  ...draft,
  tensors: draft.tensors.filter(({ name }) => !dropped.test(name)),
});

function whole(
  family: string,
  config: ConfigReader,
  thinker: ArchitectureDraft,
  voice: { readonly stacks: readonly Stack[]; readonly tensors: readonly Tensor[] } | null,
): ArchitectureDraft {
  const named = <T extends { readonly name: string }>(tensor: T): T => ({
    ...tensor,
    name: `thinker.${tensor.name}`,
  });
  return {
    ...thinker,
    family,
    modelType: config.text("model_type", family),
    stacks: [
      ...thinker.stacks.map((stack) => ({ ...stack, prefix: `thinker.${stack.prefix}` })),
      ...(voice?.stacks ?? []),
    ],
    tensors: [...thinker.tensors.map(named), ...(voice?.tensors ?? [])],
    notes: voice === null ? thinker.notes : [...thinker.notes, TALKER_NOTE],
  };
}

/** The talker is Qwen2 with an embedding of the thinker's width. */
export const qwen25Omni: Family = {
  id: "qwen2_5_omni",
  modelTypes: ["qwen2_5_omni"],
  classNames: ["Qwen2_5OmniModel", "Qwen2_5OmniForConditionalGeneration"],
  build: (config, families) => {
    const thinker = families.build(part(config, "thinker_config"), "qwen2_5_omni_thinker");
    if (!config.flag("enable_audio_output", true)) return whole("qwen2_5_omni", config, thinker, null);
    const given = withDefaults(part(config, "talker_config"), {
      hidden_size: 3584,
      intermediate_size: 18_944,
      num_hidden_layers: 28,
      num_attention_heads: 28,
      num_key_value_heads: 4,
      vocab_size: 8448,
      embedding_size: 3584,
      head_dim: 128,
    });
    const talker = families.build(
      overriding(given, { model_type: "qwen2", tie_word_embeddings: false }),
      "qwen2",
    );
    const [size, read] = [given.int("hidden_size"), given.int("embedding_size")];
    const vocabSize = given.int("vocab_size");
    const body = asAudio(unnamed(talker, /^(model\.embed_tokens|lm_head)\./), "talker");
    const wave = part(config, "token2wav_config");
    return whole("qwen2_5_omni", config, thinker, {
      stacks: body.stacks,
      tensors: [
        ...body.tensors,
        ...projection("talker.thinker_to_talker_proj", size, read, true, "audio"),
        ...inGroup("audio", [
          embedding("talker.model.embed_tokens", vocabSize, read),
          ...linear({
            name: "talker.codec_head",
            role: "other",
            group: "audio",
            outDim: vocabSize,
            inDim: size,
          }),
        ]),
        ...diffusionTransformer(part(wave, "dit_config"), "token2wav.code2wav_dit_model"),
        ...vocoder(part(wave, "bigvgan_config"), "token2wav.code2wav_bigvgan_model"),
      ],
    });
  },
};

/**
 * The talker is a Qwen3 with experts, and a smaller Qwen3 predicts the codes of the other groups.
 *
 * @example Qwen3-Omni-30B-A3B: 35,259,818,545
 */
export const qwen3Omni: Family = {
  id: "qwen3_omni_moe",
  modelTypes: ["qwen3_omni_moe"],
  classNames: ["Qwen3OmniMoeForConditionalGeneration"],
  build: (config, families) => {
    const thinker = families.build(part(config, "thinker_config"), "qwen3_omni_moe_thinker");
    if (!config.flag("enable_audio_output", true)) return whole("qwen3_omni_moe", config, thinker, null);
    const talker = part(config, "talker_config");
    const text = withDefaults(part(talker, "text_config"), { vocab_size: 3072, head_dim: 128 });
    const decoder = families.build(
      overriding(text, { model_type: "qwen3_moe", tie_word_embeddings: false }),
      "qwen3_moe",
    );
    const size = decoder.hiddenSize;
    const shared = text.int("shared_expert_intermediate_size");
    const body = asAudio(unnamed(decoder, /^(model\.embed_tokens|lm_head)\./), "talker");
    const predictor = withDefaults(part(talker, "code_predictor_config"), {
      vocab_size: 2048,
      head_dim: 128,
    });
    const codes = families.build(
      overriding(predictor, { model_type: "qwen3", tie_word_embeddings: false }),
      "qwen3",
    );
    const groups = predictor.int("num_code_groups", talker.int("num_code_groups", 32)) - 1;
    if (groups > 1000) predictor.fail("num_code_groups", "at most 1,001");
    const codeBody = asAudio(unnamed(codes, /^(model\.embed_tokens|lm_head)\./), "talker.code_predictor");
    const read = talker.int("thinker_hidden_size", thinker.hiddenSize);
    const width = text.int("intermediate_size");
    const matrix = (name: string, outDim: number, inDim: number, bias = false): Tensor[] =>
      linear({ name: `talker.${name}`, role: "other", group: "audio", outDim, inDim, bias });
    const sharedExpert: Tensor[] = [
      ...matrix("shared_expert.gate_proj", shared, size),
      ...matrix("shared_expert.up_proj", shared, size),
      ...matrix("shared_expert.down_proj", size, shared),
      vector("talker.shared_expert_gate.weight", "audio", [1, size]),
    ].map((tensor) => ({ ...tensor, name: tensor.name.replace("talker.", "mlp.") }));
    return whole("qwen3_omni_moe", config, thinker, {
      stacks: [
        ...body.stacks.map((stack) => ({
          ...stack,
          kinds: stack.kinds.map((kind) => ({ ...kind, tensors: [...kind.tensors, ...sharedExpert] })),
        })),
        ...codeBody.stacks,
      ],
      tensors: [
        ...body.tensors,
        ...codeBody.tensors,
        ...["text_projection", "hidden_projection"].flatMap((name) => [
          ...matrix(`${name}.linear_fc1`, width, read, true),
          ...matrix(`${name}.linear_fc2`, size, width, true),
        ]),
        ...inGroup("audio", [
          embedding("talker.model.codec_embedding", text.int("vocab_size"), size),
          ...Array.from({ length: groups }, (_, i) =>
            embedding(`talker.code_predictor.model.codec_embedding.${i}`, codes.vocabSize, codes.hiddenSize),
          ),
        ]),
        ...matrix("codec_head", text.int("vocab_size"), size),
        ...Array.from({ length: groups }, (_, i) =>
          matrix(`code_predictor.lm_head.${i}`, codes.vocabSize, codes.hiddenSize),
        ).flat(),
        ...codeToWave(part(config, "code2wav_config"), "code2wav"),
      ],
    });
  },
};
