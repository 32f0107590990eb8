import { adaptedExpertNotes, type LoraLinear } from "../adapters/lora.ts";
import type { Architecture, Note } from "../architecture/model.ts";
import { forEachTensor, tensorElements } from "../architecture/parameters.ts";
import { hasVocabularyHead, isTower, layerCount, readsText } from "../architecture/stack.ts";
import { withExpertModules } from "../memory/training/expert-modules.ts";
import { UNSLOTH } from "../memory/training/family-code.ts";
import { isPackable } from "../memory/training/holding.ts";
import { layerKnowledge } from "../memory/training/layer-code.ts";
import { optimizerByName } from "../memory/training/optimizers.ts";
import { sourceTokensOf } from "../memory/training/trained-stacks.ts";
import { groupDigits } from "../units.ts";
import type { EffectiveTrain } from "./effective-train.ts";
import { idleOptionNotes } from "./idle-options.ts";
import { isTrainer } from "./train-names.ts";
import type { TrainRequest } from "./train-request.ts";
import { inRelease } from "./train-stages.ts";
import { holdsReference } from "./train-states.ts";
import { widthsOf, zeroMasters } from "./train-widths.ts";

/** What was inferred for a training run. */
export function trainNotes(of: {
  readonly model: Architecture;
  /** The part of the model that trains on text. */
  readonly text: Architecture;
  readonly effective: EffectiveTrain;
  readonly asked: TrainRequest;
  readonly adapted: readonly LoraLinear[];
  readonly cacheCapped: boolean;
}): readonly Note[] {
  const { model, text, effective } = of;
  const released = inRelease(text, effective);
  const notes: Note[] = [...adaptedExpertNotes(released, of.adapted)];
  const towers = model.stacks.some(({ role }) => isTower(role));
  if (model !== text) {
    const resident = effective.towers === "frozen" || !towers;
    notes.push({
      code: "language-model-only",
      message: resident
        ? "prediction layers (MTP) are neither loaded nor trained"
        : "text training: vision and audio towers and MTP layers are neither loaded nor trained; --towers frozen counts their weights",
    });
  }
  const source = sourceTokensOf(text, effective.seqTokens);
  if (source !== null)
    notes.push({
      code: "encoder-tokens",
      message: `the encoder reads ${groupDigits(source)} positions per sequence, ${source === effective.seqTokens ? "as many as the decoder" : "which its class fixes"}`,
      details: { encoder: source, decoder: effective.seqTokens },
    });
  const knowledge = layerKnowledge(text);
  if (knowledge === "unmodelled") {
    notes.push({
      code: "unmodelled-mixers",
      message:
        "what the kernels of these recurrent mixers keep for backward was not read: activations are rough",
      details: { family: text.family },
    });
  }
  const recurs = text.stacks.some(({ kinds }) =>
    kinds.some(({ mixers }) => mixers.some(({ kind }) => kind === "recurrent")),
  );
  if (recurs && knowledge !== "unmodelled") {
    notes.push({
      code: "recurrent-kernels",
      message: `linear attention and state spaces run the kernels of flash-linear-attention, causal-conv1d and mamba_ssm${knowledge === "unmeasured" ? ", read in source and measured nowhere" : ""}; where these are not installed transformers runs plain operations, which keep far more`,
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
  if (!hasVocabularyHead(text)) {
    notes.push({
      code: "no-vocabulary-head",
      message:
        "the model has no head over its vocabulary: the loss reads its last hidden states, or the scores made of them",
    });
  }
  if (of.asked.framework !== undefined && isTrainer(of.asked.framework)) {
    notes.push({
      code: "trainer-read-as",
      message: `${of.asked.framework} is sized as ${effective.framework}, whose training code it runs: kernels, checkpoints and defaults of its own have to be said`,
      details: { framework: effective.framework },
    });
  }
  if (effective.framework === "unsloth" && !UNSLOTH.has(text.family)) {
    notes.push({
      code: "assumed-layer-code",
      message: `Unsloth's layers were read for ${[...UNSLOTH].join(", ")} alone: those of ${text.family} are sized like transformers'`,
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
  notes.push(...idleOptionNotes(of.asked, effective, model), ...checkpointNotes(text, effective));
  const longest = model.maxContextTokens;
  if (longest !== undefined && effective.seqTokens > longest) {
    notes.push({
      code: "context-beyond-model",
      message: `sequences of ${groupDigits(effective.seqTokens)} are longer than the ${groupDigits(longest)} positions the config declares`,
      details: { context: effective.seqTokens, longest },
    });
  }
  const plain = effective.precision === "bf16" || effective.precision === "fp16";
  if (plain && zeroMasters(effective) && effective.framework !== "megatron") {
    notes.push({
      code: "zero-master-weights",
      message: `DeepSpeed trains 16-bit weights with fp32 master weights and states: ${effective.precision} is sized as ${effective.precision}-master`,
    });
  }
  if (optimizerByName(effective.optimizer).paged === true) {
    notes.push({
      code: "paged-states",
      message:
        "paged states are managed memory outside PyTorch's allocator: they are counted on the device only, and may move to the host when it is full",
    });
  }
  if (effective.method === "qlora") notes.push(...unquantizedNotes(released, effective));
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

/** Groups of checkpoints that are longer than the model. */
function checkpointNotes(model: Architecture, { checkpointing }: EffectiveTrain): readonly Note[] {
  if (typeof checkpointing !== "number") return [];
  let layers = 0;
  for (const stack of model.stacks) if (readsText(stack.role)) layers += layerCount(stack);
  if (checkpointing <= layers || layers === 0) return [];
  return [
    {
      code: "checkpoints-beyond-layers",
      message: `--checkpointing every=${checkpointing} is one group of all ${layers} layers`,
      details: { every: checkpointing, layers },
    },
  ];
}

/**
 * bitsandbytes replaces `nn.Linear` modules, so experts that transformers 5 holds as one tensor stay in 16 bits, and PEFT's
 * `prepare_model_for_kbit_training` turns every 16-bit parameter that is not packed into fp32.
 */
function unquantizedNotes(model: Architecture, effective: EffectiveTrain): readonly Note[] {
  let experts = 0;
  forEachTensor(model, (tensor, layers, stack) => {
    if (stack?.role === "mtp" || tensor.kind !== "expert" || isPackable(tensor)) return;
    experts += layers * tensorElements(tensor) * tensor.copies;
  });
  if (experts === 0) return [];
  const width = effective.kbitPreparation ? 4 : widthsOf(effective).compute;
  const bytes = experts * width;
  const how = effective.kbitPreparation
    ? "and prepare_model_for_kbit_training turns them into fp32"
    : "and stay in 16 bits";
  const before5 =
    withExpertModules(model) === model ? "" : "; transformers before 5.0 had linears: --transformers 4.57";
  return [
    {
      code: "unquantized-experts",
      message: `experts are one tensor per layer, which bitsandbytes does not quantize, ${how}: ${groupDigits(experts)} weights in ${groupDigits(bytes)} B over all devices${before5}`,
      details: { experts, bytes },
    },
  ];
}
