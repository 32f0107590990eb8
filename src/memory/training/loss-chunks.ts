/** Losses that never hold whole logits, or hold them in pieces: head and loss of some tokens at a time. */
import type { Architecture } from "../../architecture/model.ts";
import type { Bytes } from "../../units.ts";
import { headProduct, headWeight } from "./head.ts";
import { pickTargets, widenedLoss } from "./loss-operations.ts";
import * as op from "./operations.ts";
import type { TapePart } from "./part-events.ts";
import { type Pass, weightOf } from "./pass.ts";
import { type Replay, replay } from "./replay.ts";
import { allocated, fresh, record, type Value } from "./tape.ts";

/** The pass up to the final norm's output. */
export interface Before {
  readonly pass: Pass;
  readonly input: Value;
  readonly hidden: Value;
}

/** Final norm whose output is kept for what follows. */
function normPart({ pass, input, hidden }: Before): Replay {
  const kept = fresh(pass.tape, { elements: 1, width: 4, grad: hidden.grad });
  record(pass.tape, { inputs: [hidden], outputs: [kept], saved: [hidden] });
  return replay(pass.tape, { input, output: hidden, held: [hidden] });
}

/**
 * torchtune's `CEWithChunkedOutputLoss` (`modules/loss/ce_chunked_output_loss.py`, 0.4): the head makes the logits of each chunk of
 * tokens as a tensor of its own, and a compiled kernel widens and sums them, so that they are kept as they are and backward makes
 * the gradients of one chunk at a time. All chunks' gradients of the head but the first that comes are added to it.
 *
 *     kept 2, backward 2 + 2/c bytes per logit: 8192 tokens of 128,256 words in 8 chunks: 2.10 + 0.26 GB
 */
export function compiledChunks(
  before: Before,
  model: Architecture,
  count: number,
): Replay & { readonly part: TapePart } {
  const { pass, input, hidden } = before;
  const { tape } = pass;
  const part = Math.floor(hidden.elements / count);
  const chunks = op.split(tape, hidden, new Array<number>(count).fill(part));
  const logits = chunks.map((chunk, index) => {
    const from = tape.nodes.length;
    const product = headProduct(pass, chunk, model);
    // Backward starts with the last chunk, whose gradient of the head stays.
    if (index < count - 1)
      for (let n = from; n < tape.nodes.length; n++) {
        const node = tape.nodes[n]!;
        tape.nodes[n] = {
          ...node,
          weightGradients: 0,
          backwardScratch: node.backwardScratch + node.weightGradients,
        };
      }
    return product;
  });
  const losses = logits.map((chunk) => pickTargets(pass, chunk));
  const output = losses.reduce((sum, next) => op.add(tape, sum, next));
  const ends = { tape, input, output, held: [hidden, ...logits] };
  return { ...replay(tape, ends), part: ends };
}

/** Head and loss of T / c tokens at a time, checkpointed: one chunk's logits live at once. */
export function recomputed(newPass: () => Pass, before: Before, model: Architecture, chunks: number): Replay {
  const { hidden } = before;
  const norm = normPart(before);
  const pass = newPass();
  const chunk = fresh(pass.tape, {
    elements: Math.ceil(hidden.elements / chunks),
    width: hidden.width,
    grad: hidden.grad,
  });
  const logits = headProduct(pass, chunk, model);
  const { loss, held } = widenedLoss(pass, logits);
  const one = replay(pass.tape, { input: chunk, output: loss, held: [chunk, ...held] });
  const chunkKept = pass.tape.nodes.some((n) => n.saved.includes(chunk.storage)) ? chunk.storage.bytes : 0;
  const head = one.weightGradients;
  const hiddenGradient = hidden.storage.bytes;
  // The second chunk's gradient of the head is added to the first's in a third tensor.
  const during = (peak: Bytes, existing: Bytes): Bytes =>
    norm.savedBytes + hiddenGradient + Math.max(peak - chunkKept + existing, chunks > 1 ? 3 * existing : 0);
  return {
    ...norm,
    forwardPeak: norm.forwardPeak + one.forwardPeakUnsaved + one.castBytes,
    forwardPeakUnsaved: norm.forwardPeak + one.forwardPeakUnsaved,
    castBytes: norm.castBytes + one.castBytes,
    backwardPeak: Math.max(during(one.backwardPeak, head), norm.backwardPeak + head),
    accumulatingPeak: Math.max(during(one.accumulatingPeak, head), norm.accumulatingPeak),
    weightGradients: norm.weightGradients + head,
  };
}

/**
 * Liger's fused linear cross entropy (0.6 `ops/fused_linear_cross_entropy.py`): chunks of about T * h / V
 * rows, each turned into gradients at once; what stays is the gradient of the hidden state (T x h) and of the
 * head (V x h, when it trains). Unsloth's (`unsloth_zoo/fused_losses/cross_entropy_loss.py`, September 2026) takes one chunk, or a
 * multiple of four, of at most 4 GiB at 16 B per logit, of which its compiled kernels hold 4, and scales the
 * gradients into a copy. Less than 4 GiB where less than 8 GiB are free: not modelled.
 *
 * @example 8192 tokens, 128,256 words, h 4096: Liger 256 rows of 65.7 MB; Unsloth 4 chunks of 2048 rows, 1.05 GB
 */
export function fusedLinear(before: Before, model: Architecture, large: boolean): Replay {
  const { pass, hidden } = before;
  const norm = normPart(before);
  const weight = headWeight(model);
  if (weight === undefined) return norm;
  const held = weightOf(pass, weight);
  const rows = hidden.elements / model.hiddenSize;
  const vocabulary = weight.shape[0]!;
  const chunk = large
    ? Math.ceil(rows / largeChunks(rows * vocabulary))
    : nextPowerOfTwo(Math.ceil(rows / Math.ceil(vocabulary / model.hiddenSize)));
  const head = held.trainable ? allocated(held.elements * held.width) : 0;
  const made = hidden.storage.bytes + head;
  const logits = allocated(Math.min(chunk, rows) * vocabulary * hidden.width) * (large ? 2 : 1);
  const scaled = large ? made : head;
  return {
    ...norm,
    savedBytes: norm.savedBytes + made,
    kept: [...norm.kept, { label: "loss", bytes: made }],
    forwardPeak: norm.forwardPeak + made + head + logits,
    backwardPeak: norm.backwardPeak + made + scaled,
    accumulatingPeak: norm.accumulatingPeak + made + scaled,
    weightGradients: norm.weightGradients + head,
  };
}

const LARGEST_CHUNK: Bytes = 4 * 2 ** 30;

/** Chunks that Unsloth's loss runs in: one where it fits, else a multiple of four. */
function largeChunks(logits: number): number {
  const exact = (16 * logits) / LARGEST_CHUNK;
  return exact <= 1 ? 1 : 4 * Math.ceil(exact / 4);
}

const nextPowerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(n));
