/** What training code does unless it is told otherwise, framework by framework. */
import type { Architecture } from "../architecture/model.ts";
import { hasExperts, hasVocabularyHead } from "../architecture/stack.ts";
import {
  lossOfRelease,
  type TransformersRelease,
  transformersRelease,
} from "../memory/training/transformers-release.ts";
import type { EffectiveTrain } from "./effective-train.ts";
import { type FrameworkName, spelled } from "./train-names.ts";
import type { Framework, Precision } from "./train-request.ts";

export interface FrameworkDefaults {
  /** Adapters are PEFT's: in fp32. */
  readonly peft: boolean;
  /** QLoRA's base is prepared for them: everything but its packed linears goes to fp32. */
  readonly kbitPreparation: boolean;
  readonly loraDropout: number;
  readonly checkpointing: EffectiveTrain["checkpointing"];
  /** Norms and residuals divide the sequence over tensor-parallel ranks. */
  readonly dividesSequence: boolean;
  readonly loss: EffectiveTrain["loss"];
  readonly fusedKernels: boolean;
  /** What autocast finds. */
  readonly baseFormat: EffectiveTrain["baseFormat"];
}

/**
 * Megatron divides the sequence only with `--sequence-parallel` (`megatron/training/arguments.py`), which its layers of experts
 * demand (`megatron/core/transformer/moe/moe_layer.py`, 0.12); torchtitan's plans always do. Its models compute the loss over
 * the rank's part of the vocabulary and run Transformer Engine's layers and `--bias-swiglu-fusion`. LitGPT's bf16-mixed leaves
 * the weights in fp32. Unsloth's `FastLanguageModel.get_peft_model` has no dropout and moves checkpoints to the host, its
 * `prepare_model_for_training` widens what trains alone, and its causal models never make whole logits.
 */
export function frameworkDefaults(
  model: Architecture,
  framework: Framework,
  transformers: TransformersRelease,
): FrameworkDefaults {
  const megatron = framework === "megatron";
  const unsloth = framework === "unsloth";
  const peft = framework === "hf" || framework === "deepspeed";
  return {
    peft: peft || unsloth,
    kbitPreparation: peft,
    loraDropout: unsloth ? 0 : 0.05,
    checkpointing: unsloth ? "offload" : "none",
    dividesSequence: !megatron || hasExperts(model),
    loss: hasVocabularyHead(model) ? usualLoss(model, framework, transformers) : "hf",
    fusedKernels: megatron,
    baseFormat: framework === "litgpt" ? "fp32" : "16-bit",
  };
}

function usualLoss(
  model: Architecture,
  framework: Framework,
  transformers: TransformersRelease,
): EffectiveTrain["loss"] {
  switch (framework) {
    case "megatron":
      return "vocab-parallel";
    case "unsloth":
      return "fused";
    case "hf":
    case "deepspeed":
      return lossOfRelease(model, transformers);
    case "torchtune":
    case "litgpt":
    case "fsdp":
      return "hf";
  }
}

/**
 * Trainers that set `expandable_segments:True` for PyTorch's allocator unless told otherwise: torchtune (pull request 1309), axolotl
 * (2183), Unsloth (`unsloth/__init__.py`, 2024) and torchtitan's `run_train.sh`. Axolotl's `roundup_power2_divisions:16`,
 * which rounds large requests up by as much as a sixteenth, is not modelled.
 */
const EXPAND: ReadonlySet<string> = new Set(["torchtune", "axolotl", "unsloth", "torchtitan"]);

/** @example expandsSegments("axolotl") // true, although it trains with Hugging Face's code, which does not */
export const expandsSegments = (framework: FrameworkName): boolean => EXPAND.has(spelled(framework));

/**
 * PEFT makes adapters in fp32 (`autocast_adapter_dtype`). torchtune (`modules/peft/lora.py`), LitGPT (`litgpt/lora.py`) and others
 * make them like any module, in the type that the model is made in: fp32 under autocast.
 */
export function ownAdapterFormat(precision: Precision): EffectiveTrain["adapterFormat"] {
  switch (precision) {
    case "bf16":
    case "bf16-master":
    case "fp8":
      return "bf16";
    case "fp16":
    case "fp16-master":
      return "fp16";
    case "fp32":
    case "amp-bf16":
    case "amp-fp16":
      return "fp32";
  }
}

/** Whether the framework runs the classes of transformers; the others write the layers themselves. */
export const runsTransformers = (framework: Framework): boolean =>
  framework === "hf" || framework === "deepspeed" || framework === "unsloth";

/** The release of transformers whose classes run, or null where none do. */
export const classesOf = ({
  framework,
  transformers,
}: Pick<EffectiveTrain, "framework" | "transformers">): TransformersRelease | null =>
  runsTransformers(framework) ? transformersRelease(transformers) : null;
