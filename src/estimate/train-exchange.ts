/** What a device holds for exchanges with others, moment by moment. */
import type { Architecture } from "../architecture/model.ts";
import type { Moment } from "../memory/training/moments.ts";
import type { BufferPart, ShardingBuffers } from "../memory/training/sharding.ts";
import type { EffectiveTrain } from "./effective-train.ts";
import { routedExperts } from "./train-pass.ts";
import type { Stage } from "./train-stages.ts";
import type { Widths } from "./train-widths.ts";

/** Buffers that carry activations between devices: pipeline ends, keys and values of a ring, expert rows. */
export function activationParts(
  stage: Stage,
  whole: Architecture,
  effective: EffectiveTrain,
  widths: Widths,
): readonly BufferPart[] {
  const { pp, cp, ep, tp, sequenceParallel } = effective.parallel;
  const width = widths.autocast ? 2 : widths.compute;
  const tokens = effective.microBatch * Math.ceil(effective.seqTokens / cp);
  const own = sequenceParallel ? tokens / tp : tokens;
  const parts: BufferPart[] = [];
  if (pp > 1) parts.push({ what: "activations between stages", elements: 2 * own * whole.hiddenSize, width });
  if (cp > 1) {
    const mixer = stage.share.stacks[0]?.kinds[0]?.mixers.find((m) => m.kind === "attention");
    if (mixer?.kind === "attention")
      parts.push({ what: "keys and values", elements: 4 * tokens * mixer.kvHeads * mixer.keyDim, width });
  }
  if (ep > 1) {
    const rows = own * (routedExperts(whole) ?? 1);
    parts.push({ what: "rows of experts", elements: 2 * rows * whole.hiddenSize, width });
  }
  return parts;
}

/** What dividing the states costs then. */
export function buffersAt({ phase, logits }: Moment, buffers: ShardingBuffers): readonly BufferPart[] {
  switch (phase) {
    case "forward":
      return logits > 0 ? buffers.loss : buffers.forward;
    case "loss-backward":
      return buffers.lossBackward;
    case "layer-backward":
    case "end-of-backward":
      return buffers.backward;
  }
}
