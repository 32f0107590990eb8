/** Models that speak or listen in codes of Mimi: CSM, Moshi and Kyutai's speech to text. */

import { classNamed } from "../class-named.ts";
import { optionalPart } from "../composite.ts";
import { type ConfigReader, overriding, readConfig, withDefaults } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import type { Family, FamilyLookup } from "../family.ts";
import type { ArchitectureDraft, Tensor } from "../model.ts";
import { embedding, linear, vector } from "../tensors.ts";
import { towerFamily } from "../tower-family.ts";
import { mimiTower } from "../towers/mimi.ts";
import type { Tower } from "../towers/tower.ts";
import { everyLayerWindow } from "../windows.ts";
import { asAudio, TALKER_NOTE } from "./omni-whole.ts";

const mimi = towerFamily({
  id: "mimi",
  prefix: "",
  tower: mimiTower,
  heads: { MimiModel: () => [] },
});

/** The codec that the file describes, or the class's own. */
function codec(config: ConfigReader, key: string, prefix: string): Tower {
  const given = config.child(key) ?? readConfig({}, config.file, { path: key, parent: config });
  if (given.text("model_type", "mimi") !== "mimi") given.fail("model_type", "mimi");
  return mimiTower(given, prefix);
}

const table = (name: string, rows: number, dim: number): Tensor => ({
  ...embedding(name, rows, dim),
  group: "audio",
  split: "replicated",
});

/** The decoder with other embeddings than its own, and parts of sound beside it. */
function withSound(
  draft: ArchitectureDraft,
  embeddings: readonly Tensor[],
  sound: readonly Tower[],
): ArchitectureDraft {
  return {
    ...draft,
    stacks: [...draft.stacks, ...sound.flatMap(({ stacks }) => stacks)],
    tensors: [
      ...embeddings,
      ...draft.tensors.filter(({ role }) => role !== "embedding"),
      ...sound.flatMap(({ tensors }) => tensors),
    ],
  };
}

const renamed = <T extends ArchitectureDraft>(draft: T, prefix: string): T => ({
  ...draft,
  stacks: draft.stacks.map((stack) => ({ ...stack, prefix: stack.prefix.replace(/^model/, prefix) })),
  tensors: draft.tensors.map((tensor) => ({
    ...tensor,
    name: tensor.name.replace(/^model\./, `${prefix}.`),
  })),
});

const AS_LLAMA = { model_type: "llama", architectures: null, tie_word_embeddings: false } as const;

/**
 * CSM (Sesame): a Llama over text and codes, a smaller one that writes the codes of one frame, and the codec. The
 * class ties nothing, whatever `tie_codebooks_embeddings` says.
 *
 * @example csm-1b: 1,766,514,497, Mimi's 79,308,609 among them
 */
const csm: Family = {
  id: "csm",
  modelTypes: ["csm"],
  classNames: ["CsmForConditionalGeneration"],
  build: (given, families) => {
    const config = withDefaults(given, { num_key_value_heads: 8, vocab_size: 2051 });
    const backbone = renamed(families.build(overriding(config, AS_LLAMA)), "backbone_model");
    const depth = optionalPart(config, "depth_decoder_config", {
      hidden_size: 1024,
      intermediate_size: 8192,
      num_hidden_layers: 4,
      num_attention_heads: 8,
      num_key_value_heads: 2,
      vocab_size: 2051,
    });
    const small = families.build(overriding(depth, AS_LLAMA));
    const [books, rows] = [depth.int("num_codebooks", 32), depth.int("vocab_size")];
    const written = depth.int("backbone_hidden_size", 2048);
    const { hiddenSize } = small;
    const voice = asAudio(
      {
        ...small,
        tensors: [
          ...small.tensors.filter(({ role }) => role === "norm"),
          table("model.embed_tokens", books * rows, written),
          ...linear({
            name: "model.inputs_embeds_projector",
            role: "other",
            group: "audio",
            outDim: hiddenSize,
            inDim: written,
          }),
          vector("codebooks_head.weight", "audio", [books - 1, hiddenSize, rows]),
        ],
      },
      "depth_decoder",
    );
    const heard = config.int("num_codebooks", 32) * config.int("vocab_size");
    const draft = withSound(
      backbone,
      [
        embedding("embed_text_tokens", config.int("text_vocab_size", 128_256), backbone.hiddenSize),
        table("backbone_model.embed_tokens.embed_audio_tokens", heard, backbone.hiddenSize),
      ],
      [voice, codec(config, "codec_config", "codec_model")],
    );
    return { ...draft, family: "csm", modelType: "csm", notes: [...draft.notes, TALKER_NOTE] };
  },
};

/** Helium's layers: RMSNorms, one matrix into twice the width that comes back, no biases. */
const helium = (windowTokens: number) =>
  familyOf({
    id: "helium-codes",
    fusedGateUp: "fc1",
    gatedMlp: ["", "", "fc2"],
    width: (config) => {
      const width = config.int("ffn_dim");
      if (width % 2 === 1) config.fail("ffn_dim", "an even width");
      return width / 2;
    },
    window: (config, layers) => everyLayerWindow(config, layers, windowTokens),
    attention: { names: ["q_proj.linear", "k_proj.linear", "v_proj.linear", "o_proj.linear"] },
  });

const moshiText = helium(3000);

/** Moshi writing codes: as many matrices in each place as there are code books, and no positions. */
function depthDecoder(config: ConfigReader, families: FamilyLookup): Tower {
  const depth = overriding(
    optionalPart(config, "depth_decoder_config", {
      hidden_size: 1024,
      num_hidden_layers: 6,
      num_attention_heads: 16,
      ffn_dim: 5632,
    }),
    config.child("depth_decoder_config") === undefined
      ? { vocab_size: 32_000, audio_vocab_size: 2048, num_codebooks: 8, input_size: 4096 }
      : {
          vocab_size: config.int("vocab_size"),
          audio_vocab_size: audioRows(config),
          num_codebooks: config.int("num_codebooks", 8),
          input_size: config.int("hidden_size"),
        },
  );
  const draft = moshiText.build(depth, families);
  const { hiddenSize, vocabSize } = draft;
  const [books, rows] = [depth.int("num_codebooks"), depth.int("audio_vocab_size")];
  if (books > 1000) config.fail("num_codebooks", "at most 1,000");
  return asAudio(
    {
      ...draft,
      stacks: draft.stacks.map((stack) => ({
        ...stack,
        prefix: "layers",
        kinds: stack.kinds.map((kind) => ({
          ...kind,
          tensors: kind.tensors.map((each) =>
            each.kind === "linear" ? { ...each, copies: books, activeCopies: books } : each,
          ),
        })),
      })),
      tensors: [
        table("text_embed_tokens", vocabSize + 1, hiddenSize),
        ...Array.from({ length: books - 1 }, (_, i) => table(`embed_tokens.${i}`, rows + 1, hiddenSize)),
        vector("input_projections.weight", "audio", [books, hiddenSize, depth.int("input_size")]),
        vector("lm_heads.weight", "audio", [books, rows, hiddenSize]),
      ],
    },
    "depth_decoder",
  );
}

/** Rows of a table of codes: `audio_vocab_size`, else the code books of the codec. */
const audioRows = (config: ConfigReader): number =>
  config.int("audio_vocab_size", config.child("audio_encoder_config")?.int("codebook_size", 2048) ?? 2048);

const MOSHI = ["MoshiForConditionalGeneration", "MoshiForCausalLM"] as const;

/** Moshi: its decoder alone, or with the tables of both speakers' codes, the decoder of codes and the codec. */
const moshi: Family = {
  id: "moshi",
  modelTypes: ["moshi"],
  classNames: MOSHI,
  build: (given, families) => {
    const config = withDefaults(given, { ffn_dim: 22_528 });
    const draft = moshiText.build(overriding(config, { tie_word_embeddings: false }), families);
    const { hiddenSize, vocabSize } = draft;
    const words = embedding("model.embed_tokens", vocabSize + 1, hiddenSize);
    if (classNamed(config, MOSHI) === "MoshiForCausalLM")
      return { ...withSound(draft, [words], []), family: "moshi" };
    const books = config.int("num_codebooks", 8);
    const whole = withSound(
      renamed(draft, "decoder.model"),
      [
        embedding("decoder.model.embed_tokens", vocabSize + 1, hiddenSize),
        ...Array.from({ length: 2 * books }, (_, i) =>
          table(`embed_tokens.${i}`, audioRows(config) + 1, hiddenSize),
        ),
      ],
      [depthDecoder(config, families), codec(config, "audio_encoder_config", "audio_encoder")],
    );
    return { ...whole, family: "moshi", notes: [...draft.notes, TALKER_NOTE] };
  },
};

const kyutaiText = helium(375);

/** Kyutai's speech to text: one table of words and codes before Helium's layers, and the codec. */
const kyutai: Family = {
  id: "kyutai_speech_to_text",
  modelTypes: ["kyutai_speech_to_text"],
  classNames: ["KyutaiSpeechToTextForConditionalGeneration", "KyutaiSpeechToTextModel"],
  build: (given, families) => {
    const config = withDefaults(given, { vocab_size: 4001, ffn_dim: 11_264 });
    const draft = kyutaiText.build(config, families);
    const codes = config.int("num_codebooks", 32) * config.int("codebook_vocab_size", 2049);
    const words = embedding("model.embed_tokens.embed_tokens", draft.vocabSize + codes + 1, draft.hiddenSize);
    if (config.texts("architectures")?.[0] === "KyutaiSpeechToTextModel") {
      const bare = { ...draft, tensors: draft.tensors.filter(({ role }) => role !== "head"), tied: false };
      return { ...withSound(bare, [words], []), family: "kyutai_speech_to_text" };
    }
    const sound = codec(config, "codec_config", "codec_model");
    return { ...withSound(draft, [words], [sound]), family: "kyutai_speech_to_text" };
  },
};

export const SPOKEN: readonly Family[] = [mimi, csm, moshi, kyutai];
