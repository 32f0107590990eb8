import { type Command, Option } from "commander";
import type { LoraTargets } from "../../adapters/lora.ts";
import { checkBudget } from "../../budget.ts";
import { EXIT, VramCalcError } from "../../errors.ts";
import { train, trainReliefs } from "../../estimate/train.ts";
import {
  ATTENTIONS,
  FRAMEWORKS,
  LOSSES,
  METHODS,
  type ParallelRequest,
  PRECISIONS,
  SCHEDULES,
  SHARDINGS,
  type TrainRequest,
} from "../../estimate/train-request.ts";
import type { Units } from "../../report/table.ts";
import { type TrainReport, trainJson, trainTable } from "../../report/train.ts";
import { loadModel } from "../../sources/load-model.ts";
import { type Bytes, parseTokens, type Tokens } from "../../units.ts";
import { type Limit, limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import {
  assumeFamilyOption,
  budgetOption,
  explainOption,
  fieldOption,
  gpuOption,
  jsonOption,
  parsed,
  parsePositive,
  unitsOption,
} from "../options.ts";
import { painterFor } from "../paint.ts";
import { printJson } from "../print-json.ts";
import type { Session } from "../session.ts";
import type { DefineCommand } from "./command.ts";

/** The flags of training, as commander collects them. */
export interface TrainFlags {
  readonly method?: TrainRequest["method"];
  readonly precision?: TrainRequest["precision"];
  readonly seq?: Tokens;
  readonly microBatch?: number;
  readonly gradAccum?: number;
  readonly optimizer?: string;
  readonly optimizerRank?: number;
  readonly checkpointing?: TrainRequest["checkpointing"];
  readonly attention?: TrainRequest["attention"];
  readonly loss?: TrainRequest["loss"];
  readonly lossChunks?: number;
  readonly reference?: NonNullable<TrainRequest["reference"]>;
  readonly framework?: TrainRequest["framework"];
  readonly fusedKernels?: true;
  readonly loraR?: number;
  readonly loraTargets?: LoraTargets;
  readonly loraDropout?: number;
  readonly adapterDtype?: "fp32" | "bf16" | "fp16";
  readonly dora?: true;
  readonly rslora?: true;
  readonly quantization?: NonNullable<TrainRequest["quantization"]>;
  readonly unfrozenLayers?: number;
  readonly tp?: number;
  readonly pp?: number;
  readonly ep?: number;
  readonly dp?: number;
  readonly cp?: number;
  readonly sharding?: NonNullable<ParallelRequest["sharding"]>;
  readonly schedule?: NonNullable<ParallelRequest["schedule"]>;
  readonly virtualStages?: number;
  readonly reshard?: boolean;
  readonly offloadOptimizer?: true;
  readonly offloadWeights?: true;
}

interface Flags extends TrainFlags {
  readonly gpu?: string;
  readonly budget?: Bytes;
  readonly units: Units;
  readonly explain?: true;
  readonly json?: true;
  readonly field?: string;
  readonly assumeFamily?: string;
}

/** `vram-calc train <model>`. */
export const defineTrain: DefineCommand = (command, session) => {
  addTrainOptions(command.argument("<model>", "count, catalogue name, path or hub id"))
    .addOption(gpuOption())
    .addOption(budgetOption())
    .addOption(assumeFamilyOption())
    .addOption(unitsOption())
    .addOption(explainOption())
    .addOption(jsonOption())
    .addOption(fieldOption())
    .action((reference: string, flags: Flags) => runTrain(reference, flags, session));
};

/** Adds what says how a model is trained. */
export function addTrainOptions(command: Command): Command {
  const count = (flags: string, text: string): Option => new Option(flags, text).argParser(parsePositive);
  return command
    .addOption(new Option("--method <how>", "what is trained (default: full)").choices(METHODS))
    .addOption(
      new Option("--precision <recipe>", "formats of weights, gradients and compute (default: bf16)").choices(
        PRECISIONS,
      ),
    )
    .addOption(
      new Option("-s, --seq <tokens>", "tokens per sequence; k is 1024 (default: 2048)").argParser(
        parsed(parseTokens),
      ),
    )
    .addOption(count("--micro-batch <n>", "sequences per forward pass and device (default: 1)"))
    .addOption(count("--grad-accum <n>", "micro-batches per step (default: 1)"))
    .option(
      "--optimizer <name>",
      "adamw, adamw-fused, adamw-8bit, adafactor, sgd, lion, muon, ... (default: adamw-fused)",
    )
    .addOption(count("--optimizer-rank <n>", "rank of GaLore and APOLLO (default: 128)"))
    .option(
      "--checkpointing <how>",
      "none, selective, full, every=N or offload (default: none)",
      checkpointingOf,
    )
    .addOption(
      new Option("--attention <kind>", "attention implementation (default: sdpa)").choices(ATTENTIONS),
    )
    .addOption(new Option("--loss <kind>", "how the loss is computed (default: hf)").choices(LOSSES))
    .addOption(
      new Option("--reference <where>", "reference model of a preference loss (default: resident)").choices([
        "resident",
        "precomputed",
      ]),
    )
    .addOption(count("--loss-chunks <n>", "chunks of a chunked loss (default: 8)"))
    .addOption(new Option("--framework <name>", "where frameworks differ (default: hf)").choices(FRAMEWORKS))
    .option("--fused-kernels", "fused norm, gate and rotary kernels")
    .addOption(count("--lora-r <n>", "rank of the adapters (default: 16)"))
    .option(
      "--lora-targets <which>",
      "all-linear, attention, query-value or names joined by + (default: all-linear)",
      targetsOf,
    )
    .option("--lora-dropout <p>", "dropout before the adapters (default: 0.05)", dropoutOf)
    .addOption(
      new Option("--adapter-dtype <format>", "format of the adapters (default: fp32)").choices([
        "fp32",
        "bf16",
        "fp16",
      ]),
    )
    .option("--dora", "magnitude vectors beside the adapters")
    .option("--rslora", "rank-stabilized scale: no size")
    .addOption(
      new Option("--quantization <format>", "how QLoRA stores the base (default: nf4-dq)").choices([
        "nf4",
        "nf4-dq",
        "int8",
        "int4-g128",
      ]),
    )
    .addOption(count("--unfrozen-layers <n>", "last layers that --method freeze trains (default: 2)"))
    .addOption(count("--dp <n>", "data-parallel ranks"))
    .addOption(count("--tp <n>", "tensor-parallel ranks"))
    .addOption(count("--pp <n>", "pipeline stages"))
    .addOption(count("--cp <n>", "context-parallel ranks"))
    .addOption(count("--ep <n>", "expert-parallel ranks"))
    .addOption(
      new Option("--sharding <how>", "how data-parallel ranks share states (default: ddp)").choices(
        SHARDINGS,
      ),
    )
    .addOption(new Option("--schedule <name>", "pipeline schedule (default: 1f1b)").choices(SCHEDULES))
    .addOption(count("--virtual-stages <n>", "layer chunks per rank of the interleaved schedule"))
    .option("--no-reshard", "keep gathered weights until backward")
    .option("--offload-optimizer", "optimizer states on the host")
    .option("--offload-weights", "sharded weights and gradients on the host");
}

function checkpointingOf(text: string): NonNullable<TrainRequest["checkpointing"]> {
  const every = /^every=(\d{1,6})$/.exec(text);
  if (every !== null && Number(every[1]) > 0) return Number(every[1]);
  if (text === "none" || text === "selective" || text === "full" || text === "offload") return text;
  throw new VramCalcError("bad-option", {
    option: "--checkpointing",
    given: `"${text}"`,
    expected: "none, selective, full, every=N or offload",
  });
}

function targetsOf(text: string): LoraTargets {
  if (text === "all-linear" || text === "attention" || text === "query-value") return text;
  return text.split(/[+,]/);
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

const defined = <T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

/** The flags as a request of the core. */
export function trainRequestOf(flags: TrainFlags): TrainRequest {
  const { tp, pp, ep, dp, cp, sharding, schedule, virtualStages, offloadOptimizer, offloadWeights } = flags;
  return defined({
    method: flags.method,
    precision: flags.precision,
    seqTokens: flags.seq,
    microBatch: flags.microBatch,
    gradAccum: flags.gradAccum,
    optimizer: flags.optimizer,
    optimizerRank: flags.optimizerRank,
    checkpointing: flags.checkpointing,
    attention: flags.attention,
    loss: flags.loss,
    lossChunks: flags.lossChunks,
    reference: flags.reference,
    framework: flags.framework,
    fusedKernels: flags.fusedKernels,
    loraRank: flags.loraR,
    loraTargets: flags.loraTargets,
    loraDropout: flags.loraDropout,
    adapterFormat: flags.adapterDtype,
    dora: flags.dora,
    rslora: flags.rslora,
    quantization: flags.quantization,
    unfrozenLayers: flags.unfrozenLayers,
    parallel: defined({
      tp,
      pp,
      ep,
      dp,
      cp,
      sharding,
      schedule,
      virtualStages,
      offloadOptimizer,
      offloadWeights,
      reshardAfterForward: flags.reshard === false ? false : undefined,
    }),
  }) as TrainRequest;
}

/**
 * The request on the cards it is held against. Several of them and no word on how are replicas; the allocator's cache ends with
 * the card, so that the verdict is about what has to fit.
 */
export function onCards(request: TrainRequest, limit: Limit | null): TrainRequest {
  if (limit === null) return request;
  const { parallel = {} } = request;
  const said = [parallel.dp, parallel.tp, parallel.pp, parallel.cp].some((n) => n !== undefined);
  const replicas = limit.count < 2 || said ? {} : { parallel: { ...parallel, dp: limit.count } };
  return { ...request, ...replicas, deviceBytes: limit.bytes };
}

async function runTrain(reference: string, flags: Flags, { io, exit }: Session): Promise<void> {
  const limit = await limitOf(flags, io);
  const loaded = await loadModel(reference, loadOptionsOf(io, { assumeFamily: flags.assumeFamily }));
  const model = loaded.architecture;
  const asked = onCards(trainRequestOf(flags), limit);
  const result = train(model, asked);
  const budget = limit === null ? undefined : checkBudget(result.total, limit);
  const report: TrainReport = {
    model: {
      id: loaded.id,
      source: loaded.source,
      family: model.family,
      ...(loaded.revision === undefined ? {} : { revision: loaded.revision }),
    },
    architecture: model,
    result,
    reliefs: trainReliefs(model, asked),
    ...(budget === undefined ? {} : { budget }),
    notes: [...loaded.notes, ...result.notes, ...(limit?.notes ?? [])],
  };
  if (flags.json === true || flags.field !== undefined) printJson(io, trainJson(report), flags.field);
  else
    io.stdout(
      trainTable(report, {
        columns: io.columns,
        units: flags.units,
        explain: flags.explain === true,
        paint: await painterFor(io),
      }),
    );
  if (budget?.fits === false) exit(EXIT.overBudget);
}
