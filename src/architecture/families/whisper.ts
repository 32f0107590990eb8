/** Whisper (arXiv:2212.04356): BART whose encoder reads a spectrogram. */

import { classNamed } from "../class-named.ts";
import { tiedEmbeddings } from "../config-reader.ts";
import type { Family } from "../family.ts";
import { seqStack } from "../seq2seq-row.ts";
import { embedding, head, norm, positionEmbedding } from "../tensors.ts";
import { inGroup } from "../towers/tower.ts";
import { whisperStem } from "../towers/whisper-encoder.ts";

const CLASSES = ["WhisperForConditionalGeneration", "WhisperModel", "WhisperForCausalLM"] as const;

/** Keys have no bias; the encoder always has max_source_positions positions, so cross attention's cache is fixed. */
export const whisper: Family = {
  id: "whisper",
  modelTypes: ["whisper"],
  classNames: CLASSES,
  build: (config) => {
    const named = classNamed(config, CLASSES);
    const alone = named === "WhisperForCausalLM";
    const generates = named !== "WhisperModel";
    const prefix = generates ? "model." : "";
    const hiddenSize = config.int("d_model");
    const vocabSize = config.int("vocab_size");
    const tied = generates && tiedEmbeddings(config, true);
    const targets = config.int("max_target_positions", 448);
    const encoderTokens = config.int("max_source_positions", 1500);
    const layer = { keyBias: false, encoderTokens };
    return {
      family: "whisper",
      modelType: config.text("model_type", "whisper"),
      hiddenSize,
      vocabSize,
      tied,
      maxContextTokens: targets,
      norm: "layer",
      stacks: [
        ...(alone ? [] : [seqStack(config, "encoder", prefix, layer)]),
        seqStack(config, "decoder", prefix, layer),
      ],
      tensors: [
        ...(alone ? [] : whisperStem(config, `${prefix}encoder`)),
        embedding(`${prefix}decoder.embed_tokens`, vocabSize, hiddenSize),
        positionEmbedding(`${prefix}decoder.embed_positions`, targets, hiddenSize),
        ...norm(`${prefix}decoder.layer_norm`, hiddenSize, "bias"),
        ...(generates && !tied ? inGroup("lm-head", head("proj_out", vocabSize, hiddenSize)) : []),
      ],
      notes: [],
    };
  },
};
