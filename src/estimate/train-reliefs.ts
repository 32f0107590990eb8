/** What would lower the peak of a training run. */
import type { Architecture } from "../architecture/model.ts";
import { dividedBy, type Sharding } from "../memory/training/sharding.ts";
import { torchRelease } from "../memory/training/torch-release.ts";
import { NODE_DEVICES } from "../parallelism/layout-over-devices.ts";
import type { Bytes } from "../units.ts";
import { type EffectiveTrain, effectiveTrain } from "./effective-train.ts";
import { type TrainResult, train } from "./train.ts";
import { devicePhases, newKnownParts, phaseTotal, stepPhase } from "./train-device.ts";
import { checkpointsOutlive } from "./train-pass.ts";
import type { TrainRequest } from "./train-request.ts";
import { inFlight, loadedPart, type Stage, trainStages } from "./train-stages.ts";

/** A change to the request, what the worst device would then have allocated, and what that saves; in the cache, for one that alters it alone. */
export interface TrainRelief {
  readonly change: Readonly<Record<string, string | number | boolean>>;
  readonly allocatedBytes: Bytes;
  readonly savedBytes: Bytes;
}

/** Part of the peak below which a change is not worth a line. */
const LEAST = 0.01;

/** Options that change activations, logits and workspace alone: the optimizer's step stays what it is. */
const ACTIVATIONS_ALONE: ReadonlySet<string> = new Set([
  "checkpointing",
  "loss",
  "attention",
  "compile",
  "fusedKernels",
  "reentrantCheckpoints",
]);

/**
 * Changes that lower the peak by one part in a hundred or more, most first: each is the same estimate with one option changed.
 * What cannot lower the peak by as much is not even tried: activations where the optimizer's step is about as high, the loss
 * where a stage without the head is.
 *
 * @param done what `train` made of the same
 * @example trainReliefs(llama_3_1_8b, { seqTokens: 4096 })[0].change // { offloadOptimizer: true }
 */
export function trainReliefs(
  model: Architecture,
  request: TrainRequest,
  done: TrainResult = train(model, request),
): readonly TrainRelief[] {
  const now = done.request;
  const { since2 } = torchRelease(now.torch);
  const candidates: (readonly [TrainRelief["change"], Partial<TrainRequest>])[] = [];
  const offer = (change: Partial<TrainRequest> & TrainRelief["change"]): void => {
    candidates.push([change, change]);
  };
  if (now.checkpointing === "none") offer({ checkpointing: "full" });
  if (now.checkpointing === "full") offer({ checkpointing: "offload" });
  if (checkpointsOutlive(now))
    candidates.push([{ reentrantCheckpoints: "off" }, { reentrantCheckpoints: false }]);
  if (now.loss.startsWith("hf")) {
    offer({ loss: "chunked-recompute" });
    offer({ loss: "fused" });
  }
  if (since2 && now.attention === "eager") offer({ attention: "sdpa" });
  if (since2 && now.compile === "none") offer({ compile: "all" });
  if (!now.fusedKernels && now.compile === "none") offer({ fusedKernels: true });
  const { optimizerInBackward } = now;
  if (now.microBatch > 1 && !optimizerInBackward)
    offer({ microBatch: Math.ceil(now.microBatch / 2), gradAccum: now.gradAccum * 2 });
  if (since2 && now.optimizer === "adamw") offer({ optimizer: "adamw-fused" });
  if (now.optimizer.startsWith("adamw") && !now.optimizer.includes("bit")) offer({ optimizer: "adamw-8bit" });
  const frozen = now.method === "lora" || now.method === "qlora";
  if (now.precision === "fp32") offer({ precision: "bf16" });
  if (frozen && (now.precision === "bf16" || now.precision === "fp32")) offer({ precision: "amp-bf16" });
  const { tp, pp, cp, dp, sharding, offloadOptimizer } = now.parallel;
  const shard = (other: Sharding): void => {
    candidates.push([{ sharding: other }, { parallel: { ...request.parallel, sharding: other } }]);
  };
  if (dp > 1 && (sharding === "none" || sharding === "ddp") && !optimizerInBackward) shard("zero1");
  if (dp > 1 && !dividedBy(sharding).weights) shard("fsdp2");
  // Beyond one server the ranks divide the states, which is faster than sending them to the host.
  if (!offloadOptimizer && !optimizerInBackward && tp * pp * cp * dp <= NODE_DEVICES)
    candidates.push([
      { offloadOptimizer: true },
      { parallel: { ...request.parallel, offloadOptimizer: true } },
    ]);
  if (now.method === "full") offer({ method: "lora" });
  if (now.method === "lora") offer({ method: "qlora" });
  const text = loadedPart(model, now.towers);
  const before = momentsOf(done, trainStages(text, now));
  const near = (bytes: Bytes): boolean => before.peak - bytes < LEAST * before.peak;
  const stays = (options: Partial<TrainRequest>): boolean => {
    const names = Object.keys(options);
    return (
      (near(before.step) && names.every((name) => ACTIVATIONS_ALONE.has(name))) ||
      (near(before.headless) && names.every((name) => name === "loss"))
    );
  };
  const helps = (peak: Bytes): boolean => before.peak - peak >= LEAST * before.peak;
  const reliefs = cacheRelief(model, request, done).filter(
    ({ savedBytes }) => savedBytes >= LEAST * before.peak,
  );
  for (const [change, options] of candidates) {
    if (stays(options)) continue;
    const effective = effectiveTrain(model, { ...request, ...options });
    const peak = peakOf(text, effective, helps);
    if (peak !== null) reliefs.push({ change, allocatedBytes: peak, savedBytes: before.peak - peak });
  }
  return reliefs.sort((a, b) => b.savedBytes - a.savedBytes);
}

/** Batches of changing length leave blocks of their own sizes in the cache, which segments that grow in place do not. */
function cacheRelief(model: Architecture, request: TrainRequest, done: TrainResult): TrainRelief[] {
  const { lengths, expandableSegments } = done.request;
  if (lengths !== "varied" || expandableSegments) return [];
  const { totals } = train(model, { ...request, expandableSegments: true });
  return [
    {
      change: { expandableSegments: "on" },
      allocatedBytes: totals.allocated.bytes,
      savedBytes: Math.max(0, done.totals.reserved.bytes - totals.reserved.bytes),
    },
  ];
}

interface WorstMoments {
  /** What the device that holds the most has allocated. */
  readonly peak: Bytes;
  /** The most that any has during the optimizer's step. */
  readonly step: Bytes;
  /** The most that any has that does not compute the loss. */
  readonly headless: Bytes;
}

function momentsOf(result: TrainResult, stages: readonly Stage[]): WorstMoments {
  let peak = 0;
  let step = 0;
  let headless = 0;
  result.devices.forEach(({ allocated, phases }, index) => {
    peak = Math.max(peak, allocated.bytes);
    for (const { phase, allocated: then } of phases)
      if (phase === "optimizer-step") step = Math.max(step, then.bytes);
    if (!stages[index]!.ends.output) headless = Math.max(headless, allocated.bytes);
  });
  return { peak, step, headless };
}

/**
 * What the device that holds the most has allocated: all that a relief is judged by, in less time than `train`. Null as
 * soon as one moment of one device is too high to help: the step of each is looked at first, which runs no layer.
 */
function peakOf(
  text: Architecture,
  effective: EffectiveTrain,
  helps: (peak: Bytes) => boolean,
): Bytes | null {
  const parts = newKnownParts();
  const most = new Map<Architecture, Stage>();
  for (const stage of trainStages(text, effective)) {
    const known = most.get(stage.share);
    if (known === undefined || inFlight(known, effective) < inFlight(stage, effective))
      most.set(stage.share, stage);
  }
  let peak = 0;
  for (const stage of most.values()) peak = Math.max(peak, phaseTotal(stepPhase(stage, effective, parts)));
  for (const stage of most.values()) {
    if (!helps(peak)) return null;
    for (const phase of devicePhases(stage, text, effective, parts)) peak = Math.max(peak, phaseTotal(phase));
  }
  return helps(peak) ? peak : null;
}
