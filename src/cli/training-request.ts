/** The flags of training as a request of the core. */
import { defined } from "../defined.ts";
import type { TrainRequest } from "../estimate/train-request.ts";
import type { TrainFlags } from "./train-flags.ts";

const switched = (flag: "on" | "off" | undefined): boolean | undefined =>
  flag === undefined ? undefined : flag === "on";

/** The flags as a request of the core. */
export function trainRequestOf(flags: TrainFlags): TrainRequest {
  const { tp, pp, ep, dp, cp, dpReplicate, sharding, schedule, virtualStages } = flags;
  const { offloadOptimizer, offloadWeights } = flags;
  return defined({
    method: flags.method,
    precision: flags.precision,
    seqTokens: flags.seq,
    microBatch: flags.microBatch,
    gradAccum: flags.gradAccum,
    optimizer: flags.optimizer,
    optimizerInBackward: flags.optimizerInBackward,
    optimizerRank: flags.optimizerRank,
    checkpointing: flags.checkpointing,
    attention: flags.attention,
    loss: flags.loss,
    lossChunks: flags.lossChunks,
    reference: flags.reference,
    framework: flags.framework,
    torch: flags.torch,
    transformers: flags.transformers,
    bitsandbytes: flags.bitsandbytes,
    reentrantCheckpoints: switched(flags.reentrantCheckpoints),
    lengths: flags.lengths,
    expandableSegments: switched(flags.expandableSegments),
    compile: flags.compile,
    fusedKernels: flags.fusedKernels,
    loraRank: flags.loraR,
    loraTargets: flags.loraTargets,
    loraDropout: flags.loraDropout,
    adapterFormat: flags.adapterDtype,
    baseFormat: flags.baseDtype,
    dora: flags.dora,
    rslora: flags.rslora,
    quantization: flags.quantization,
    kbitPreparation: flags.kbitPreparation === false ? false : undefined,
    unfrozenLayers: flags.unfrozenLayers,
    towers: flags.towers,
    parallel: defined({
      tp,
      pp,
      ep,
      dp,
      cp,
      dpReplicate,
      sequenceParallel: switched(flags.sequenceParallel),
      sharding,
      schedule,
      virtualStages,
      offloadOptimizer,
      offloadWeights,
      reshardAfterForward: flags.reshard === false ? false : undefined,
    }),
  });
}
