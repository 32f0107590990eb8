import type { Note } from "../architecture/model.ts";
import { dividedBy } from "../memory/training/sharding.ts";
import type { EffectiveTrain } from "./effective-train.ts";
import type { TrainRequest } from "./train-request.ts";

/** Options that were given and change nothing, because another one leaves them without effect. */
export function idleOptionNotes(
  asked: TrainRequest,
  effective: EffectiveTrain,
  towers: boolean,
): readonly Note[] {
  const { method, parallel, loss } = effective;
  const { parallel: given = {} } = asked;
  const adapters = method === "lora" || method === "qlora";
  const replicas = parallel.dp * parallel.cp;
  const idle: (readonly [flag: string, given: boolean, works: boolean, needs: string])[] = [
    ["--lora-r", asked.loraRank !== undefined, adapters, "--method lora or qlora"],
    ["--lora-targets", asked.loraTargets !== undefined, adapters, "--method lora or qlora"],
    ["--lora-dropout", asked.loraDropout !== undefined, adapters, "--method lora or qlora"],
    ["--adapter-dtype", asked.adapterFormat !== undefined, adapters, "--method lora or qlora"],
    [
      "--base-dtype",
      asked.baseFormat !== undefined,
      adapters && effective.precision.startsWith("amp-"),
      "--method lora or qlora and --precision amp-bf16 or amp-fp16",
    ],
    ["--dora", asked.dora === true, adapters, "--method lora or qlora"],
    ["--rslora", asked.rslora === true, adapters, "--method lora or qlora"],
    ["--quantization", asked.quantization !== undefined, method === "qlora", "--method qlora"],
    ["--no-kbit-preparation", asked.kbitPreparation === false, method === "qlora", "--method qlora"],
    ["--unfrozen-layers", asked.unfrozenLayers !== undefined, method === "freeze", "--method freeze"],
    ["--towers", asked.towers === "frozen", towers, "a model with a vision or audio tower"],
    ["--reference", asked.reference !== undefined, loss === "dpo" || loss === "kl", "--loss dpo or kl"],
    ["--loss-chunks", asked.lossChunks !== undefined, loss.startsWith("chunked"), "a chunked loss"],
    [
      "--expandable-segments",
      asked.expandableSegments !== undefined,
      parallel.sharding === "none" || parallel.sharding === "ddp",
      "--sharding none or ddp: readings of the others are with them",
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
      "--no-reshard",
      given.reshardAfterForward === false,
      dividedBy(parallel.sharding).weights,
      "--sharding zero3, fsdp, fsdp2 or simple-fsdp",
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
      "--dp or --cp above 1",
    ],
  ];
  return idle.flatMap(([flag, isGiven, works, needs]): Note[] =>
    isGiven && !works
      ? [
          {
            code: "idle-option",
            message: `${flag} ${flag.startsWith("--sharding") ? "divides" : "changes"} nothing here: it needs ${needs}`,
            details: { option: flag },
          },
        ]
      : [],
  );
}
