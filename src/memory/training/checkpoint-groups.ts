/**
 * One checkpoint for several layers: Megatron's uniform recomputation (`transformer_block.py`, chunks of N layers, the last one of
 * what is left). Layers are taken one by one, because a group may hold layers of two kinds.
 */
import type { Bytes } from "../../units.ts";
import type { LayerSegment, LayerSpan } from "./layer-spans.ts";
import type { Moment, MomentsRequest } from "./moments.ts";

const layersOf = (spans: readonly LayerSpan[]): readonly LayerSegment[] =>
  spans.flatMap(({ segment, count }) => Array.from({ length: count }, () => segment));

function groupsOf(spans: readonly LayerSpan[], size: number): readonly (readonly LayerSegment[])[] {
  const layers = layersOf(spans);
  return Array.from({ length: Math.ceil(layers.length / size) }, (_, g) =>
    layers.slice(g * size, (g + 1) * size),
  );
}

export interface GroupedForward {
  /** Checkpoints when forward ends, and autocast's copies of weights. */
  readonly kept: Bytes;
  readonly casts: Bytes;
  /** The most beside what was there before, and the checkpoints of that moment. */
  readonly peak: Bytes;
  readonly peakKept: Bytes;
}

/**
 * Forward without a graph: L layers in groups of N leave ceil(L / N) inputs.
 *
 * @example 32 layers in groups of 100 leave one input, as one group of 32 does
 */
export function groupedForward(spans: readonly LayerSpan[], request: MomentsRequest): GroupedForward {
  let kept = 0;
  let casts = 0;
  let peak = 0;
  let peakKept = 0;
  for (const group of groupsOf(spans, request.checkpointEvery)) {
    const before = kept;
    kept += group[0]!.inputBytes;
    group.forEach((segment, i) => {
      casts += segment.castBytes;
      // The group's own input is the checkpoint.
      const earlier = i === 0 ? before : kept;
      const here = earlier + casts + segment.forwardPeakUnsaved;
      if (here <= peak) return;
      peak = here;
      peakKept = earlier;
    });
  }
  return { kept, casts, peak, peakKept };
}

/**
 * Backward, group by group from the last. A group's layers are run again, all of them, before any of them makes a gradient; then
 * each gives back what it kept:
 *
 *     layer j of a group of g:   (j - 1) * saved + backward of one layer, gradients of the layers behind it
 */
export function groupedBackward(
  spans: readonly LayerSpan[],
  state: { readonly kept: Bytes; readonly made: Bytes },
  request: MomentsRequest,
): readonly Moment[] {
  const moments: Moment[] = [];
  let { kept, made } = state;
  const groups = groupsOf(spans, request.checkpointEvery);
  for (let g = groups.length - 1; g >= 0; g--) {
    const group = groups[g]!;
    const last = group[group.length - 1]!;
    const first = group[0]!;
    if (!last.outputGrad) continue;
    const put = (workspace: Bytes): void => {
      moments.push({ phase: "layer-backward", gradients: made, activations: kept, logits: 0, workspace });
    };
    // What the first layer keeps of its input is the checkpoint, counted once.
    let earlier = first.inputKept ? -first.inputBytes : 0;
    let casts = 0;
    group.forEach((segment, j) => {
      if (j === group.length - 1) return;
      earlier += segment.savedBytes;
      casts += segment.castOnlyBytes;
    });
    // The gradient of the group's output waits while its layers run again.
    const again = last.castBytes + last.forwardPeak + last.inputBytes;
    const ownInput = group.length === 1 && !first.inputKept ? first.inputBytes : 0;
    put(earlier + casts + again - ownInput);
    for (let j = group.length - 1; j >= 0; j--) {
      const segment = group[j]!;
      if (!segment.outputGrad) continue;
      put(earlier + (request.accumulating ? segment.accumulatingPeak : segment.backwardPeak));
      if (j > 0) earlier -= group[j - 1]!.savedBytes;
      if (!request.accumulating) made += segment.weightGradients;
    }
    kept -= first.inputBytes;
  }
  return moments;
}
