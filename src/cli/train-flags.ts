/** The flags that say how a model is trained. */
import { type Command, Option } from "commander";
import { type LoraTargets, parseLoraTargets } from "../adapters/lora-targets.ts";
import { VramCalcError } from "../errors.ts";
import {
  ATTENTION_ALIASES,
  FRAMEWORK_ALIASES,
  LOSS_ALIASES,
  PRECISION_ALIASES,
  SHARDING_ALIASES,
  TRAINERS,
} from "../estimate/train-names.ts";
import {
  ADAPTER_FORMATS,
  ATTENTIONS,
  COMPILED,
  FRAMEWORKS,
  LOSSES,
  METHODS,
  type ParallelRequest,
  PRECISIONS,
  QUANTIZATIONS,
  SCHEDULES,
  SHARDINGS,
  type TrainRequest,
} from "../estimate/train-request.ts";
import { parseTokens, type Tokens } from "../units.ts";
import { named, parsed, parsePositive } from "./options.ts";

/** The flags of training, as commander collects them. */
export interface TrainFlags {
  readonly method?: TrainRequest["method"];
  readonly precision?: TrainRequest["precision"];
  readonly seq?: Tokens;
  readonly microBatch?: number;
  readonly gradAccum?: number;
  readonly optimizer?: string;
  readonly optimizerInBackward?: true;
  readonly optimizerRank?: number;
  readonly checkpointing?: TrainRequest["checkpointing"];
  readonly attention?: TrainRequest["attention"];
  readonly loss?: TrainRequest["loss"];
  readonly lossChunks?: number;
  readonly reference?: NonNullable<TrainRequest["reference"]>;
  readonly framework?: TrainRequest["framework"];
  readonly torch?: string;
  readonly transformers?: string;
  readonly lengths?: NonNullable<TrainRequest["lengths"]>;
  readonly bitsandbytes?: string;
  readonly reentrantCheckpoints?: "on" | "off";
  readonly expandableSegments?: "on" | "off";
  readonly compile?: NonNullable<TrainRequest["compile"]>;
  readonly fusedKernels?: true;
  readonly loraR?: number;
  readonly loraTargets?: LoraTargets;
  readonly loraDropout?: number;
  readonly adapterDtype?: NonNullable<TrainRequest["adapterFormat"]>;
  readonly baseDtype?: NonNullable<TrainRequest["baseFormat"]>;
  readonly dora?: true;
  readonly rslora?: true;
  readonly quantization?: NonNullable<TrainRequest["quantization"]>;
  readonly kbitPreparation?: boolean;
  readonly unfrozenLayers?: number;
  readonly towers?: NonNullable<TrainRequest["towers"]>;
  readonly tp?: number;
  readonly pp?: number;
  readonly ep?: number;
  readonly dp?: number;
  readonly cp?: number;
  readonly dpReplicate?: number;
  readonly sequenceParallel?: "on" | "off";
  readonly sharding?: NonNullable<ParallelRequest["sharding"]>;
  readonly schedule?: NonNullable<ParallelRequest["schedule"]>;
  readonly virtualStages?: number;
  readonly reshard?: boolean;
  readonly offloadOptimizer?: true;
  readonly offloadWeights?: true;
}

const HYBRID = "--sharding fsdp2 and in how many groups: --dp-replicate 2";

/** What says how a model is trained, for a command to add. */
export function trainOptions(): readonly Option[] {
  const count = (flags: string, text: string): Option => new Option(flags, text).argParser(parsePositive);
  return [
    named(new Option("--method <how>", "what is trained (default: full)"), METHODS, {}),
    named(
      new Option(
        "--precision <recipe>",
        "formats of weights, gradients and compute (default: bf16; amp-bf16 with --method qlora)",
      ),
      PRECISIONS,
      PRECISION_ALIASES,
    ),
    new Option("-s, --seq <tokens>", "tokens per sequence; k is 1024 (default: 2048)").argParser(
      parsed(parseTokens),
    ),
    count("--micro-batch <n>", "sequences per forward pass and device (default: 1)"),
    count("--grad-accum <n>", "micro-batches per step (default: 1)"),
    new Option(
      "--optimizer <name>",
      "adamw, adamw-fused, adamw-8bit, adafactor, sgd, lion, muon, ... (default: adamw-fused)",
    ),
    new Option(
      "--optimizer-in-backward",
      "each weight stepped when its gradient is made: gradients are not stored",
    ),
    count("--optimizer-rank <n>", "rank of GaLore and APOLLO (default: 128)"),
    new Option(
      "--checkpointing <how>",
      "none, selective, full, every=N (groups of N layers), nth=N (each N-th layer) or offload (default: none; offload with --framework unsloth)",
    ).argParser(checkpointingOf),
    named(
      new Option("--attention <kind>", "attention implementation (default: sdpa)"),
      ATTENTIONS,
      ATTENTION_ALIASES,
    ),
    named(
      new Option(
        "--loss <kind>",
        "how the loss is computed (default: hf; vocab-parallel with --framework megatron, fused with unsloth)",
      ),
      LOSSES,
      LOSS_ALIASES,
    ),
    new Option("--reference <where>", "reference model of a preference loss (default: resident)").choices([
      "resident",
      "precomputed",
    ]),
    count("--loss-chunks <n>", "chunks of a chunked loss (default: 8)"),
    // A trainer's own name goes on, so that a note can say what it is read as.
    named(new Option("--framework <name>", "where frameworks differ (default: hf)"), FRAMEWORKS, {
      ...FRAMEWORK_ALIASES,
      ...Object.fromEntries(Object.keys(TRAINERS).map((name) => [name, name])),
    }),
    new Option("--torch <release>", "release of PyTorch; before 2.0 a step keeps more (default: 2.13)"),
    new Option(
      "--transformers <release>",
      "its release; before 4.49 the loss takes more, before 5.0 QLoRA packs experts (default: 5.18)",
    ),
    new Option(
      "--bitsandbytes <release>",
      "its release; before 0.43.2 every 4-bit linear keeps its input (default: that of the time of transformers)",
    ),
    new Option(
      "--reentrant-checkpoints <switch>",
      "use_reentrant of transformers' checkpoints, which FSDP1 holds longer (default: off; on before --transformers 5.0)",
    ).choices(["on", "off"]),
    new Option(
      "--lengths <kind>",
      "fixed for packed or padded batches, varied when each is as long as its longest sample (default: fixed)",
    ).choices(["fixed", "varied"]),
    new Option(
      "--expandable-segments <switch>",
      "expandable_segments of PyTorch's allocator (default: off; on with torchtune, torchtitan, axolotl and unsloth)",
    ).choices(["on", "off"]),
    new Option("--compile <what>", "what torch.compile runs (default: none)").choices(COMPILED),
    new Option("--fused-kernels", "fused norm, gate and rotary kernels (what Megatron runs)"),
    count("--lora-r <n>", "rank of the adapters (default: 16)"),
    new Option(
      "--lora-targets <which>",
      "all-linear, attention, query-value, names joined by a comma, or re: and a regular expression (default: all-linear)",
    ).argParser(parseLoraTargets),
    new Option(
      "--lora-dropout <p>",
      "dropout before the adapters (default: 0.05; 0 with --framework unsloth)",
    ).argParser(dropoutOf),
    new Option(
      "--adapter-dtype <format>",
      "format of the adapters (default: fp32; that of the weights where PEFT does not make them)",
    ).choices(ADAPTER_FORMATS),
    new Option(
      "--base-dtype <format>",
      "frozen base under autocast (default: 16-bit; fp32 with --framework litgpt)",
    ).choices(["fp32", "16-bit"]),
    new Option("--dora", "magnitude vectors beside the adapters"),
    new Option("--rslora", "rank-stabilized scale: no size"),
    new Option("--quantization <format>", "how QLoRA stores the base (default: nf4-dq)").choices(
      QUANTIZATIONS,
    ),
    new Option("--no-kbit-preparation", "QLoRA without PEFT's prepare_model_for_kbit_training"),
    count("--unfrozen-layers <n>", "last layers that --method freeze trains (default: 2)"),
    new Option("--towers <how>", "vision and audio towers (default: left-out)").choices([
      "left-out",
      "frozen",
    ]),
    count("--dp <n>", "data-parallel ranks"),
    count("--tp <n>", "tensor-parallel ranks"),
    new Option(
      "--sequence-parallel <switch>",
      "norms and residuals divided over tensor-parallel ranks (default: on; off with --framework megatron)",
    ).choices(["on", "off"]),
    count("--pp <n>", "pipeline stages"),
    count("--cp <n>", "context-parallel ranks"),
    count("--ep <n>", "expert-parallel ranks"),
    count(
      "--dp-replicate <n>",
      "groups of the data-parallel ranks that hold the sharded states once each: HSDP, MiCS (default: 1)",
    ),
    named(
      new Option("--sharding <how>", "how data-parallel ranks share states (default: ddp)"),
      SHARDINGS,
      SHARDING_ALIASES,
      {
        hsdp: HYBRID,
        "hybrid-shard": HYBRID,
        mics: "--sharding zero3 and in how many groups: --dp-replicate 2",
      },
    ),
    new Option("--schedule <name>", "pipeline schedule (default: 1f1b)").choices(SCHEDULES),
    count("--virtual-stages <n>", "layer chunks per rank of the interleaved schedule"),
    new Option("--no-reshard", "keep gathered weights until backward"),
    new Option("--offload-optimizer", "optimizer states on the host"),
    new Option("--offload-weights", "sharded weights and gradients on the host"),
  ];
}

/** Adds the options to a command. */
export function addTrainOptions(command: Command): Command {
  for (const option of trainOptions()) command.addOption(option);
  return command;
}

function checkpointingOf(text: string): NonNullable<TrainRequest["checkpointing"]> {
  const every = /^every=(\d{1,4})$/.exec(text);
  if (every !== null && Number(every[1]) > 0) return Number(every[1]);
  if (/^nth=[1-9]\d{0,3}$/.test(text)) return text as `nth=${number}`;
  if (text === "none" || text === "selective" || text === "full" || text === "offload") return text;
  throw new VramCalcError("bad-option", {
    option: "--checkpointing",
    given: `"${text}"`,
    expected: "none, selective, full, every=N, nth=N or offload",
  });
}

function dropoutOf(text: string): number {
  const value = Number(text);
  if (value >= 0 && value < 1) return value;
  throw new VramCalcError("bad-option", {
    option: "--lora-dropout",
    given: `"${text}"`,
    expected: "a number from 0 up to 1",
  });
}
