import { adaptedExpertNotes, type LoraLinear } from "../adapters/lora.ts";
import type { Architecture, Note } from "../architecture/model.ts";
import { layerKnowledge } from "../memory/training/layer-code.ts";
import type { EffectiveTrain } from "./train-request.ts";
import { holdsReference } from "./train-states.ts";

/** What was inferred for a training run. */
export function trainNotes(of: {
  readonly model: Architecture;
  /** The part of the model that trains on text. */
  readonly text: Architecture;
  readonly effective: EffectiveTrain;
  readonly adapted: readonly LoraLinear[];
  readonly cacheCapped: boolean;
}): readonly Note[] {
  const { model, text, effective } = of;
  const notes: Note[] = [...adaptedExpertNotes(text, of.adapted)];
  if (model !== text) {
    notes.push({
      code: "language-model-only",
      message: "text training: vision and audio towers and MTP layers are neither loaded nor trained",
    });
  }
  const knowledge = layerKnowledge(text);
  if (knowledge === "unmodelled") {
    notes.push({
      code: "unmodelled-mixers",
      message:
        "what state-space, linear-attention and convolution kernels keep for backward is not simulated: activations are rough",
      details: { family: text.family },
    });
  }
  if (knowledge === "assumed") {
    notes.push({
      code: "assumed-layer-code",
      message: `how ${text.family} writes its layers was not read: activations are those of a layer written like Llama's`,
      details: { family: text.family },
    });
  }
  if (effective.precision === "fp8") {
    notes.push({
      code: "fp8-as-16-bit",
      message: "8-bit products are sized like 16-bit ones: what they keep for backward is 16-bit",
    });
  }
  if (effective.parallel.ep > 1) {
    notes.push({
      code: "balanced-experts",
      message: "every rank is taken to serve as many expert rows as it sends; imbalance adds to activations",
    });
  }
  if (holdsReference(effective)) {
    notes.push({
      code: "reference-model",
      message:
        "weights count a frozen model of the same size that the loss compares with; its log-probabilities can be computed before training instead",
    });
  }
  if (of.cacheCapped) {
    notes.push({
      code: "cache-ends-with-card",
      message:
        "the allocator's cache fills the card: freed blocks are counted up to its size, because they are given back before memory runs out",
      details: { deviceBytes: effective.deviceBytes },
    });
  }
  return notes;
}
