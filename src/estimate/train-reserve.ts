/** What the allocator reserves beyond the tensors: pools of other streams, and batches of changing length, simulated. */
import type { Architecture } from "../architecture/model.ts";
import { forEachTensor, tensorElements } from "../architecture/parameters.ts";
import { holdingOf, packedBytes } from "../memory/training/holding.ts";
import { type OptimizerOptions, optimizerByName } from "../memory/training/optimizers.ts";
import { type PartEvents, partEvents, type TapePart } from "../memory/training/part-events.ts";
import type { Holding } from "../memory/training/pass.ts";
import { type MicroBatch, simulateRun } from "../memory/training/reserve-simulation.ts";
import type { SimulatedReserve } from "../memory/training/reserved.ts";
import { segmentsOf } from "../memory/training/segments.ts";
import { allocated } from "../memory/training/tape.ts";
import { torchRelease } from "../memory/training/torch-release.ts";
import { sourceStack } from "../memory/training/trained-stacks.ts";
import { trainedTensors } from "../memory/training/trained-tensors.ts";
import type { Bytes } from "../units.ts";
import type { EffectiveTrain } from "./effective-train.ts";
import { type PhaseBytes, phaseTotal } from "./train-device.ts";
import { holdingRequest, type PassOptions, passRequest } from "./train-pass.ts";
import type { Stage } from "./train-stages.ts";
import { holdsReference } from "./train-states.ts";
import { widthsOf } from "./train-widths.ts";

/**
 * Lengths of the micro-batches of a run whose order nobody knows: multiples of the golden ratio less their whole part, the most
 * even sequence there is, and then the longest. New longest ones come at 0.62, 0.85, 0.94 and 1 of the maximum. 9 or 20 of them
 * give the same result, because the next record, 0.98, comes at the 21st. With the tenth as the longest, gradients of the one
 * before it exist where micro-batches are accumulated.
 */
const GOLDEN = (Math.sqrt(5) - 1) / 2;
const LENGTHS: readonly number[] = [...Array.from({ length: 9 }, (_, k) => ((k + 1) * GOLDEN) % 1), 1];
/** Micro-batches between steps of the optimizer at most: two steps come before the longest batch, and it is the second of a step. */
const ACCUMULATE = 4;

/**
 * Bytes that are reserved, or null where the order of operations is not simulated: several devices, checkpoints that are not one per
 * layer, losses in chunks; and batches of one length, which leave so little that a share of what comes and goes says it
 * (`reserved.ts`) in a hundredth of the time.
 */
export function simulatedReserve(
  stage: Stage,
  whole: Architecture,
  effective: EffectiveTrain,
  limit: Bytes | null,
): SimulatedReserve | null {
  if (effective.lengths !== "varied") return null;
  return reserveOfBatches({ stage, whole, effective, shares: LENGTHS, limit });
}

/** The same of micro-batches with these shares of the longest sequence. */
export function reserveOfBatches(of: {
  readonly stage: Stage;
  readonly whole: Architecture;
  readonly effective: EffectiveTrain;
  readonly shares: readonly number[];
  readonly limit: Bytes | null;
}): SimulatedReserve | null {
  const { stage, whole, effective, limit } = of;
  const { parallel, checkpointing } = effective;
  const devices = parallel.tp * parallel.pp * parallel.dp * parallel.cp * parallel.ep;
  if (devices > 1 || holdsReference(effective)) return null;
  if (checkpointing !== "none" && checkpointing !== "full") return null;
  if (effective.optimizerInBackward) return null;
  const model = stage.share;
  if (sourceStack(model) !== undefined) return null;
  const widths = widthsOf(effective);
  const holding = holdingOf(model, holdingRequest(stage, effective, widths));
  const batches: MicroBatch[] = [];
  for (const share of of.shares) {
    const seqTokens = Math.max(1, Math.ceil(share * effective.seqTokens));
    const batch = microBatch(stage, whole, { holding, widths, effective, seqTokens });
    if (batch === null) return null;
    batches.push(batch);
  }
  const trained = trainedTensors(model, holding);
  const full = effective.method === "full" || effective.method === "freeze";
  const optimizer = optimizerByName(effective.optimizer);
  const options: OptimizerOptions = {
    rank: effective.optimizerRank,
    width: full ? (widths.master ?? widths.stored) : null,
  };
  const plain = (elements: number, width: number): Bytes => allocated(elements * (options.width ?? width));
  const peaks = simulateRun({
    resident: [
      ...weightBlocks(model, holding, effective, full ? widths.stored : null),
      ...trained.flatMap((t) => (full ? [] : repeated(t.count, [t.elements * t.width]))),
      ...trained.flatMap((t) => (widths.master === null ? [] : repeated(t.count, [t.elements * 4]))),
    ],
    microBatches: batches,
    accumulate: Math.min(ACCUMULATE, effective.gradAccum),
    keepsGradients: torchRelease(effective.torch).zeroesGradients,
    checkpointed: checkpointing === "full",
    tableGradients: model.tensors.flatMap((t) =>
      t.kind === "embedding" && holding.trainable(t) ? [tensorElements(t) * holding.width(t)] : [],
    ),
    tied: model.tied,
    states: trained.flatMap((t) => {
      const half = optimizer.stateBytes(t, options) / 2;
      return half === 0 ? [] : repeated(t.count, [half, half]);
    }),
    stepTogether: trained.flatMap((t) =>
      repeated(t.count * optimizer.stepOfAll, [plain(t.elements, t.width)]),
    ),
    stepLargest: Math.max(
      0,
      ...trained.map((t) => optimizer.stepOfLargest * plain(t.elements / t.matrices, t.width)),
    ),
    limit: limit ?? Number.MAX_SAFE_INTEGER,
    expandable: effective.expandableSegments,
  });
  return { bytes: peaks.reserved, allocated: peaks.allocated, released: peaks.released };
}

function microBatch(stage: Stage, whole: Architecture, how: PassOptions): MicroBatch | null {
  const segments = segmentsOf(stage.share, passRequest(stage, whole, how));
  if (segments.loss.part === null) return null;
  const known = new Map<TapePart, PartEvents>();
  const eventsOf = (part: TapePart): PartEvents => {
    const found = known.get(part) ?? partEvents(part);
    known.set(part, found);
    return found;
  };
  return {
    embedding: eventsOf(segments.embedding.part),
    layers: segments.spans.flatMap(({ segment, count }) => repeated(count, [eventsOf(segment.part)])),
    loss: eventsOf(segments.loss.part),
    tableBytes: segments.tableBytes + segments.argumentBytes,
  };
}

/**
 * What two pools take beyond the peak of both together. FSDP2 makes gradients on a stream of its own and FSDP1 gathers weights on
 * one, whose freed blocks the other tensors never get.
 *
 *     max over moments of (all but those) + max over moments of (those) - allocated at the peak
 */
export function pooledElsewhere(
  moments: readonly PhaseBytes[],
  winner: PhaseBytes,
  effective: EffectiveTrain,
): Bytes {
  const { sharding } = effective.parallel;
  if (sharding !== "fsdp2" && sharding !== "fsdp") return 0;
  let own = 0;
  let others = 0;
  for (const moment of moments) {
    const elsewhere = sharding === "fsdp" ? moment.communication : moment.gradients;
    own = Math.max(own, elsewhere);
    others = Math.max(others, phaseTotal(moment) - elsewhere);
  }
  return own + others - phaseTotal(winner);
}

/** Each weight of the model as the block that holds it. */
function weightBlocks(
  model: Architecture,
  holding: Holding,
  effective: EffectiveTrain,
  storedWidth: number | null,
): readonly Bytes[] {
  const blocks: Bytes[] = [];
  forEachTensor(model, (tensor, layers, stack) => {
    if (stack?.role === "mtp") return;
    const bytes = holding.packed(tensor)
      ? packedBytes(tensor, effective.quantization)
      : tensorElements(tensor) * tensor.copies * (storedWidth ?? holding.width(tensor));
    blocks.push(...repeated(layers, [bytes]));
  });
  return blocks;
}

const repeated = <T>(count: number, items: readonly T[]): readonly T[] =>
  Array.from({ length: count }, () => items).flat();
