/**
 * The moments of one forward and backward pass at which memory can peak, from the parts of the step.
 * Weights and optimizer states are the same in all of them and are added by the caller.
 */
import type { Architecture } from "../../architecture/model.ts";
import type { Bytes } from "../../units.ts";
import { type GroupedForward, groupedBackward, groupedForward } from "./checkpoint-groups.ts";
import { embeddingMoments, embeddingTables, tiedToHead } from "./embedding-moments.ts";
import type { LayerSegment, LayerSpan } from "./layer-spans.ts";
import type { Holding } from "./pass.ts";
import type { Replay } from "./replay.ts";
import type { Segments } from "./segments.ts";

export type PassPhase = "forward" | "loss-backward" | "layer-backward" | "end-of-backward";

export interface Moment {
  readonly phase: PassPhase;
  /** Gradients of weights that exist at this moment. */
  readonly gradients: Bytes;
  /** Tensors kept for backward by embedding and layers, checkpoints included. */
  readonly activations: Bytes;
  /** What head and loss hold. */
  readonly logits: Bytes;
  /** What lives only while an operation or a layer runs: recomputed activations, gradients on their way, casts. */
  readonly workspace: Bytes;
}

export interface MomentsRequest {
  /** Layers per checkpoint; 0 keeps everything. */
  readonly checkpointEvery: number;
  /** Every n-th layer is checkpointed and the others keep everything; 1 is all of them. */
  readonly nth: number;
  /** Instead of the layer's input, keep what selective checkpointing keeps. */
  readonly selective: boolean;
  /** Checkpoints live in host memory. */
  readonly offloadCheckpoints: boolean;
  /** Two buffers on the card take turns at holding what comes back (Unsloth): one of them is the layer's input. */
  readonly buffersCheckpoints: boolean;
  /** Checkpoints and their gradients live until backward ends, whatever has read them. */
  readonly outlive: boolean;
  /**
   * The graph of forward is that of backward: without checkpoints, and with those that are not reentrant. With these a layer runs again
   * inside its own backward, when the first node reads what forward kept.
   */
  readonly graphStays: boolean;
  /** The embedding's output lives until the last layer has run (transformers' `inputs_embeds`), kept for backward or not. */
  readonly holdsEmbedding: boolean;
  /** Gradients of an earlier micro-batch exist already and are added to. */
  readonly accumulating: boolean;
  /** Each weight is stepped as soon as its gradient is made, which is then dropped. */
  readonly stepsInBackward: boolean;
  /** The graph of the step before, one of equal length, lives until this step's loss takes its place. */
  readonly stepBefore: boolean;
  readonly holding: Holding;
}

const NONE: Bytes = 0;

/** Every candidate, in the order in which it happens; `kept` is what lives when forward ends. */
export function momentsOf(
  model: Architecture,
  segments: Segments,
  request: MomentsRequest,
): { readonly moments: readonly Moment[]; readonly keptBytes: Bytes; readonly weightGradients: Bytes } {
  const moments: Moment[] = [];
  const checkpointing = request.checkpointEvery > 0;
  const { spans, loss, embedding } = segments;
  // A checkpoint holds its layer's arguments: the positions and the mask beside the hidden state.
  const tables = segments.tableBytes + (checkpointing ? segments.argumentBytes : 0);
  const buffer =
    request.offloadCheckpoints && request.buffersCheckpoints ? (spans[0]?.segment.inputBytes ?? NONE) : NONE;
  const fixed = embedding.savedBytes + tables + buffer;
  const existing = request.accumulating ? weightGradientsOf(model, segments, request) : 0;
  const peakOf = (part: Replay): Bytes => (request.accumulating ? part.accumulatingPeak : part.backwardPeak);

  const outlived = request.graphStays
    ? spans.reduce((sum, s) => sum + s.count * s.segment.outlivingBytes, loss.outlivingBytes)
    : 0;
  const before = request.stepBefore ? outlived : 0;

  // Without checkpoints backward keeps what the cache holds.
  const cached = checkpointing ? spans.reduce((sum, s) => sum + s.count * s.segment.cachedBytes, 0) : 0;
  const grouped = request.checkpointEvery > 1;
  const ran = grouped ? groupedForward(spans, request) : forwardOf(spans, request);
  // It is the first layer's input: that is counted with the layer where it keeps it, runs alone, or has it as its checkpoint.
  const [first] = spans;
  const alone = spans.length === 1 && first?.count === 1;
  const entering =
    request.holdsEmbedding && !checkpointing && first?.segment.inputKept === false && !alone
      ? first.segment.inputBytes
      : NONE;
  const kept = fixed + ran.kept;
  const { casts } = ran;
  const gradients = existing;
  const lossForward = loss.castBytes + loss.forwardPeak;
  moments.push({
    phase: "forward",
    gradients,
    activations: fixed + ran.peakKept + before + cached + buffer + entering,
    logits: 0,
    workspace: ran.peak - ran.peakKept,
  });
  moments.push({
    phase: "forward",
    gradients,
    activations: kept + before + cached + buffer,
    logits: lossForward,
    workspace: casts,
  });
  const keptBytes = kept + loss.savedBytes;

  moments.push({ phase: "loss-backward", gradients, activations: kept, logits: peakOf(loss), workspace: 0 });
  // A tied head's gradient waits for the embedding's.
  const waiting = request.stepsInBackward && !tiedToHead(model) ? 0 : loss.weightGradients;
  let made = request.accumulating ? existing : waiting;
  // A gradient that is dropped at once peaks like one that is added to another.
  const passing = request.stepsInBackward ? { ...request, accumulating: true } : request;
  if (grouped) moments.push(...groupedBackward(spans, { kept, made }, passing));
  let left = kept;
  for (let s = spans.length - 1; s >= 0; s--) {
    const span = spans[s]!;
    if (!grouped)
      for (const moment of layerMoments(span, { kept: left, made }, passing)) moments.push(moment);
    left -= span.count * leavingPerLayer(span.segment, request);
    if (!passing.accumulating && span.segment.outputGrad) made += span.count * span.segment.weightGradients;
  }
  // What no layer gave back is there still.
  moments.push(...embeddingMoments(model, segments, { made, left: request.outlive ? left : NONE, request }));
  return { moments, keptBytes, weightGradients: weightGradientsOf(model, segments, request) };
}

const keptPerLayer = (segment: LayerSegment, request: MomentsRequest): Bytes =>
  request.checkpointEvery === 0
    ? segment.savedBytes
    : checkpointPerLayer(segment, request) + (request.graphStays ? segment.outlivingBytes : 0);

const checkpointPerLayer = (segment: LayerSegment, request: MomentsRequest): Bytes => {
  if (request.selective) return segment.selectiveBytes;
  if (request.nth > 1) return (segment.inputBytes + (request.nth - 1) * segment.savedBytes) / request.nth;
  return request.offloadCheckpoints ? 0 : segment.inputBytes;
};

/** What backward gives back of that: less than nothing where a layer's input and its gradient stay. */
const leavingPerLayer = (segment: LayerSegment, request: MomentsRequest): Bytes =>
  keptPerLayer(segment, request) -
  (request.outlive ? 2 * segment.inputBytes : 0) -
  (request.graphStays ? segment.outlivingBytes : 0);

/** Forward with every layer keeping what it keeps, or its own checkpoint. */
function forwardOf(spans: readonly LayerSpan[], request: MomentsRequest): GroupedForward {
  const checkpointing = request.checkpointEvery > 0;
  let kept = 0;
  let casts = 0;
  let peak = 0;
  let peakKept = 0;
  for (const { segment, count } of spans) {
    const each = keptPerLayer(segment, request);
    const castsEach = checkpointing ? segment.castBytes : segment.castOnlyBytes;
    const own = checkpointing ? segment.forwardPeakUnsaved : segment.forwardPeak;
    // The last layer of a span has the most before it.
    const earlier = kept + (count - 1) * each;
    const here = earlier + casts + (count - 1) * castsEach + segment.castBytes + own;
    if (here > peak) {
      peak = here;
      peakKept = earlier;
    }
    kept += count * each;
    casts += count * castsEach;
  }
  return { kept, casts, peak, peakKept };
}

/** Backward of the last and of the first layer of a span; those between lie between. */
function layerMoments(
  span: LayerSpan,
  state: { readonly kept: Bytes; readonly made: Bytes },
  request: MomentsRequest,
): Moment[] {
  const { segment, count } = span;
  if (!segment.outputGrad) return [];
  const each = leavingPerLayer(segment, request);
  const gradientsEach = request.accumulating ? 0 : segment.weightGradients;
  const peak = request.accumulating ? segment.accumulatingPeak : segment.backwardPeak;
  return (count === 1 ? [0] : [0, count - 1]).map((done): Moment => {
    const kept = state.kept - done * each;
    const gradients = state.made + done * gradientsEach;
    const holding = (workspace: Bytes): Moment => ({
      phase: "layer-backward",
      gradients,
      activations: kept,
      logits: 0,
      workspace,
    });
    if (request.checkpointEvery === 0) return holding(peak - segment.savedBytes);
    // What was kept is not made again.
    if (request.selective) return holding(Math.max(0, peak - segment.selectiveBytes));
    const backward = peak - (segment.inputKept && !request.offloadCheckpoints ? segment.inputBytes : 0);
    // Recomputing runs forward again while gradients wait.
    const input = request.offloadCheckpoints ? 0 : segment.inputBytes;
    const forward = segment.castBytes + recomputing(segment, request) - input;
    return holding(Math.max(backward, forward));
  });
}

/** Most that lives while a layer runs again, the gradients that wait for it included. */
const recomputing = (segment: LayerSegment, request: Pick<MomentsRequest, "graphStays">): Bytes =>
  request.graphStays ? segment.stoppingPeak + segment.waitingBytes : segment.forwardPeak + segment.inputBytes;

/** Gradients of all trained weights at the end of backward. */
function weightGradientsOf(model: Architecture, segments: Segments, request: MomentsRequest): Bytes {
  let bytes = segments.loss.weightGradients;
  for (const { segment, count } of segments.spans)
    if (segment.outputGrad) bytes += count * segment.weightGradients;
  const tables = embeddingTables(model, request.holding);
  return bytes + tables.positions + (tiedToHead(model) ? 0 : tables.tokens);
}
