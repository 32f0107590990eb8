import type { Architecture } from "../../architecture/model.ts";
import type { Bytes } from "../../units.ts";
import { finalNorm, headProduct, headWeight } from "./head.ts";
import {
  chunkedByTokens,
  dividedLogSoftmax,
  dividedLoss,
  pickTargets,
  softmaxInPlace,
} from "./loss-operations.ts";
import * as op from "./operations.ts";
import type { TapePart } from "./part-events.ts";
import { type Pass, weightOf } from "./pass.ts";
import { type Replay, replay } from "./replay.ts";
import { allocated, fresh, hold, record, type Value } from "./tape.ts";

/**
 * Ways to compute the loss over T x V logits. Bytes per logit in bf16, at the end of forward and at the most:
 *
 *     hf                  4, 12     fp32 copy and fp32 log-softmax (`ForCausalLMLoss`)
 *     hf-upcast           4, 12     logits themselves widened first, shifted copy (transformers before 4.45)
 *     plain               2, 6      log-softmax in the model's type
 *     compiled            2, 4      torch.compile: logits kept, their gradient made in one kernel; 4, 8 where they come in fp32
 *     chunked             4, 6.5    full logits, fp32 loss chunk by chunk (c = 8); compiled 2, 2 + 2/c
 *     chunked-recompute   0, 12/c   head and loss of one chunk at a time, run again in backward
 *     fused               0, 2/c    gradients of hidden state and head made in forward, chunk by chunk (Liger)
 *     vocab-parallel      4, 6      one fp32 copy that turns into the softmax in place (Megatron), over the rank's part of V
 *     mse, bce            on the logits themselves: input and target kept
 *     kl                  as hf against a teacher's distribution, which is kept beside
 */
export type LossKind =
  | "hf"
  | "hf-upcast"
  | "plain"
  | "compiled"
  | "chunked"
  | "chunked-recompute"
  | "fused"
  | "vocab-parallel"
  | "mse"
  | "bce"
  | "kl";

export interface LossCode {
  readonly kind: LossKind;
  /** Chunks of the two chunked losses. */
  readonly chunks: number;
  /** torch.compile runs the loss of each chunk as one kernel, and the head makes each chunk's logits by itself. */
  readonly compiled?: boolean;
  /** The model itself gives fp32 logits, outside what is compiled (torchtune, `modules/transformer.py`: `self.output(h).float()`). */
  readonly widened?: boolean;
  /** The training loop keeps the model's output, and with it the logits, until backward has run. */
  readonly hold?: boolean;
}

/** Sums of head and loss, and its operations where it is one plain pass over them. */
export type LossSegment = Replay & { readonly part: TapePart | null };

/** Head and loss as a segment: like a layer's, with everything that hangs on the logits. */
export function lossSegment(
  newPass: () => Pass,
  entering: Pick<Value, "elements" | "width" | "grad">,
  model: Architecture,
  asked: LossCode,
): LossSegment {
  const pass = newPass();
  const { tape } = pass;
  const code: LossCode = asked.kind === "hf" && pass.code.ownLoss ? { ...asked, kind: "plain" } : asked;
  const input = fresh(tape, { ...entering });
  const hidden = finalNorm(pass, input, model);
  if (code.kind === "chunked" && code.compiled === true)
    return compiledChunks({ pass, input, hidden }, model, code);
  switch (code.kind) {
    case "chunked-recompute":
      return { ...recomputed(newPass, { pass, input, hidden }, model, code.chunks), part: null };
    case "fused":
      return { ...fusedLinear({ pass, input, hidden }, model), part: null };
    case "hf":
    case "hf-upcast":
    case "plain":
    case "compiled":
    case "chunked":
    case "vocab-parallel":
    case "mse":
    case "bce":
    case "kl": {
      const before = pass.stepBefore ? logitsBefore(pass, hidden, model) : [];
      const product = headProduct(pass, hidden, model);
      if (before.length > 0) hold(tape, before);
      const widened =
        code.kind === "hf-upcast" ||
        (code.kind === "compiled" && code.widened === true) ||
        (code.kind === "plain" && pass.code.chunkedLoss);
      const logits = widened ? op.cast(tape, product, 4) : product;
      const shifts =
        code.kind === "hf-upcast" ||
        (code.kind === "hf" && pass.code.shiftsLogits) ||
        (code.kind === "plain" && flattensLogits(pass, model));
      const { loss, held } = lossOf(pass, shifts ? op.copy(tape, logits) : logits, code);
      const part = { tape, input, output: loss, held: [hidden, logits, ...held] };
      const sums = replay(tape, part);
      return code.hold === true ? { ...withHeld(sums, pass, logits), part: null } : { ...sums, part };
    }
  }
}

/**
 * LitGPT's `finetune/full.py` cuts the last token off whole logits, and `reshape` copies what is then in pieces; with adapters the
 * head gives the logits in chunks.
 */
function flattensLogits(pass: Pass, model: Architecture): boolean {
  const head = headWeight(model);
  return pass.code.chunkedLoss && pass.batch > 1 && head !== undefined && pass.holding.trainable(head);
}

/** Logits of the step before, which a variable of the loop holds until the model has returned new ones. */
function logitsBefore(pass: Pass, hidden: Value, model: Architecture): readonly Value[] {
  const weight = headWeight(model);
  if (weight === undefined) return [];
  const elements = (hidden.elements / model.hiddenSize) * weight.shape[0]!;
  const logits = fresh(pass.tape, { elements, width: pass.code.chunkedLoss ? 4 : hidden.width, grad: false });
  record(pass.tape, { inputs: [], outputs: [logits] });
  return [logits];
}

function lossOf(
  pass: Pass,
  logits: Value,
  code: LossCode,
): { readonly loss: Value; readonly held: readonly Value[] } {
  const { tape } = pass;
  if (code.kind === "compiled") return { loss: pickTargets(pass, logits), held: [] };
  if (code.kind === "plain" && pass.code.chunkedLoss)
    return { loss: chunkedByTokens(pass, logits), held: [] };
  if (code.kind === "plain") return { loss: pickTargets(pass, op.softmax(tape, logits)), held: [] };
  if (code.kind === "chunked") {
    const part = Math.floor(logits.elements / code.chunks);
    const parts = op.split(tape, logits, new Array<number>(code.chunks).fill(part));
    const losses = parts.map((chunk) => {
      const wide = op.cast(tape, chunk, 4);
      const loss = pickTargets(pass, op.softmax(tape, wide));
      hold(tape, [wide]);
      return loss;
    });
    return { loss: losses.reduce((sum, next) => op.add(tape, sum, next)), held: [] };
  }
  if (code.kind === "vocab-parallel") return { loss: softmaxInPlace(pass, logits), held: [] };
  if (code.kind === "mse" || code.kind === "bce") {
    const targets = fresh(tape, { elements: logits.elements, width: logits.width, grad: false });
    const loss = fresh(tape, { elements: 1, width: 4, grad: logits.grad });
    record(tape, { inputs: [logits], outputs: [loss, targets], saved: [logits, targets] });
    return { loss, held: [targets] };
  }
  const wide = op.cast(tape, logits, 4);
  const logProbabilities = dividedLoss(pass) ? dividedLogSoftmax(pass, wide) : op.softmax(tape, wide);
  if (code.kind === "kl") {
    const teacher = fresh(tape, { elements: wide.elements, width: 4, grad: false });
    const loss = fresh(tape, { elements: 1, width: 4, grad: wide.grad });
    record(tape, {
      inputs: [logProbabilities],
      outputs: [loss, teacher],
      saved: [logProbabilities, teacher],
    });
    return { loss, held: [wide, teacher] };
  }
  return { loss: pickTargets(pass, logProbabilities), held: [wide] };
}

/**
 * torchtune's `CEWithChunkedOutputLoss` (`modules/loss/ce_chunked_output_loss.py`, 0.4): the head makes the logits of each chunk of
 * tokens as a tensor of its own, and a compiled kernel widens and sums them, so that they are kept as they are and backward makes
 * the gradients of one chunk at a time. All chunks' gradients of the head but the first that comes are added to it.
 *
 *     kept 2, backward 2 + 2/c bytes per logit: 8192 tokens of 128,256 words in 8 chunks: 2.10 + 0.26 GB
 */
function compiledChunks(before: Before, model: Architecture, code: LossCode): LossSegment {
  const { pass, input, hidden } = before;
  const { tape } = pass;
  const part = Math.floor(hidden.elements / code.chunks);
  const chunks = op.split(tape, hidden, new Array<number>(code.chunks).fill(part));
  const logits = chunks.map((chunk, index) => {
    const from = tape.nodes.length;
    const product = headProduct(pass, chunk, model);
    // Backward starts with the last chunk, whose gradient of the head stays.
    if (index < code.chunks - 1)
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

/** Adds logits that stay alive during backward, unless an operation keeps them anyway. */
function withHeld(sums: Replay, pass: Pass, logits: Value): Replay {
  if (pass.tape.nodes.some((n) => n.saved.includes(logits.storage))) return sums;
  const { bytes } = logits.storage;
  return {
    ...sums,
    savedBytes: sums.savedBytes + bytes,
    kept: [...sums.kept, { label: "loss", bytes }],
    backwardPeak: sums.backwardPeak + bytes,
    accumulatingPeak: sums.accumulatingPeak + bytes,
  };
}

interface Before {
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

/** Head and loss of T / c tokens at a time, checkpointed: one chunk's logits live at once. */
function recomputed(newPass: () => Pass, before: Before, model: Architecture, chunks: number): Replay {
  const { hidden } = before;
  const norm = normPart(before);
  const pass = newPass();
  const chunk = fresh(pass.tape, {
    elements: Math.ceil(hidden.elements / chunks),
    width: hidden.width,
    grad: hidden.grad,
  });
  const logits = headProduct(pass, chunk, model);
  const { loss, held } = lossOf(pass, logits, { kind: "hf", chunks: 1 });
  const one = replay(pass.tape, { input: chunk, output: loss, held });
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
 * head (V x h, when it trains).
 */
function fusedLinear(before: Before, model: Architecture): Replay {
  const { pass, hidden } = before;
  const norm = normPart(before);
  const weight = headWeight(model);
  if (weight === undefined) return norm;
  const held = weightOf(pass, weight);
  const rows = hidden.elements / model.hiddenSize;
  const vocabulary = weight.shape[0]!;
  const chunk = nextPowerOfTwo(Math.ceil(rows / Math.ceil(vocabulary / model.hiddenSize)));
  const head = held.trainable ? allocated(held.elements * held.width) : 0;
  const made = hidden.storage.bytes + head;
  const logits = allocated(Math.min(chunk, rows) * vocabulary * hidden.width);
  return {
    ...norm,
    savedBytes: norm.savedBytes + made,
    kept: [...norm.kept, { label: "loss", bytes: made }],
    forwardPeak: norm.forwardPeak + made + head + logits,
    backwardPeak: norm.backwardPeak + made + head,
    accumulatingPeak: norm.accumulatingPeak + made + head,
    weightGradients: norm.weightGradients + head,
  };
}

const nextPowerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(n));
