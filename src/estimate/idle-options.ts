import type { Architecture, Note } from "../architecture/model.ts";
import { isTower } from "../architecture/stack.ts";
import { dividedBy } from "../memory/training/sharding.ts";
import { type EffectiveTrain, shardRanks } from "./effective-train.ts";
import { idleNote } from "./idle-notes.ts";
import { runsTransformers } from "./train-defaults.ts";
import type { TrainRequest } from "./train-request.ts";

const RANKED_OPTIMIZERS: readonly string[] = ["galore", "apollo"];

/** Options that were given and change nothing, because another one leaves them without effect. */
export function idleOptionNotes(
  asked: TrainRequest,
  effective: EffectiveTrain,
  model: Architecture,
): readonly Note[] {
  const { method, parallel, loss } = effective;
  const { parallel: given = {} } = asked;
  const adapters = method === "lora" || method === "qlora";
  const replicas = shardRanks(parallel);
  const mixers = model.stacks.flatMap(({ kinds }) => kinds.flatMap((kind) => kind.mixers));
  const ranked = RANKED_OPTIMIZERS.includes(effective.optimizer);
  const adapts = "--method lora or qlora";
  const packed = method === "qlora" && !effective.kbitPreparation;
  const idle: (readonly [flag: string, given: boolean, works: boolean, needs: string])[] = [
    ["--lora-r", asked.loraRank !== undefined, adapters, adapts],
    ["--lora-targets", asked.loraTargets !== undefined, adapters, adapts],
    ["--lora-dropout", asked.loraDropout !== undefined, adapters, adapts],
    ["--adapter-dtype", asked.adapterFormat !== undefined, adapters, adapts],
    [
      "--base-dtype",
      asked.baseFormat !== undefined,
      (method === "lora" || packed) && effective.precision.startsWith("amp-"),
      method === "qlora" && effective.kbitPreparation
        ? "--no-kbit-preparation, for the preparation makes everything but the packed linears fp32"
        : "--method lora or qlora and --precision amp-bf16 or amp-fp16",
    ],
    ["--dora", asked.dora === true, adapters, adapts],
    ["--rslora", asked.rslora === true, adapters, adapts],
    ["--quantization", asked.quantization !== undefined, method === "qlora", "--method qlora"],
    ["--no-kbit-preparation", asked.kbitPreparation === false, method === "qlora", "--method qlora"],
    ["--unfrozen-layers", asked.unfrozenLayers !== undefined, method === "freeze", "--method freeze"],
    [
      "--towers",
      asked.towers === "frozen",
      model.stacks.some(({ role }) => isTower(role)),
      "a model with a vision or audio tower",
    ],
    ["--reference", asked.reference !== undefined, loss === "dpo" || loss === "kl", "--loss dpo or kl"],
    ["--loss-chunks", asked.lossChunks !== undefined, loss.startsWith("chunked"), "a chunked loss"],
    [
      "--expandable-segments",
      asked.expandableSegments !== undefined,
      parallel.sharding === "none" || parallel.sharding === "ddp",
      "--sharding none or ddp: readings of the others are with them",
    ],
    [
      "--transformers",
      asked.transformers !== undefined,
      runsTransformers(effective.framework),
      "--framework hf, deepspeed or unsloth",
    ],
    [
      "--bitsandbytes",
      asked.bitsandbytes !== undefined,
      method === "qlora" && effective.quantization.startsWith("nf4") && effective.framework !== "unsloth",
      "--method qlora and --quantization nf4 or nf4-dq, and not --framework unsloth",
    ],
    [
      "--reentrant-checkpoints",
      asked.reentrantCheckpoints !== undefined,
      runsTransformers(effective.framework) &&
        effective.framework !== "unsloth" &&
        effective.checkpointing !== "none" &&
        effective.checkpointing !== "selective",
      "--checkpointing full, offload, n or nth=n, with --framework hf or deepspeed",
    ],
    [
      "--optimizer-rank",
      asked.optimizerRank !== undefined,
      ranked,
      `--optimizer ${RANKED_OPTIMIZERS.join(" or ")}`,
    ],
    [
      "--attention",
      asked.attention !== undefined,
      mixers.some(({ kind }) => kind !== "recurrent" && kind !== "conv"),
      "a model with attention",
    ],
    ["--sequence-parallel", given.sequenceParallel === true, parallel.tp > 1, "--tp above 1"],
    ["--schedule", given.schedule !== undefined, parallel.pp > 1, "--pp above 1"],
    [
      "--virtual-stages",
      given.virtualStages !== undefined,
      parallel.pp > 1 && parallel.schedule === "interleaved",
      "--pp above 1 and --schedule interleaved",
    ],
    [
      "--dp-replicate",
      given.dpReplicate !== undefined && given.dpReplicate > 1,
      dividedBy(parallel.sharding).optimizer,
      "--sharding zero1 or one that divides more",
    ],
    [
      "--no-reshard",
      given.reshardAfterForward === false,
      parallel.sharding.includes("fsdp") && parallel.pp === 1 && replicas > 1,
      "--sharding fsdp, fsdp2 or simple-fsdp over several ranks and no pipeline, whose stages never reshard",
    ],
    [
      "--offload-weights",
      given.offloadWeights === true,
      parallel.offloadWeights,
      "--sharding zero3, fsdp, fsdp2 or simple-fsdp",
    ],
    [
      `--sharding ${parallel.sharding}`,
      given.sharding !== undefined && given.sharding !== "none",
      replicas > 1 || parallel.offloadWeights,
      parallel.dpReplicate > 1 ? "--dp-replicate below --dp" : "--dp or --cp above 1",
    ],
  ];
  return idle.flatMap(([flag, isGiven, works, needs]) => (isGiven && !works ? [idleNote(flag, needs)] : []));
}
