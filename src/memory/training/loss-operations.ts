/** What a loss over whole logits does to them, one operation each: what backward keeps, and what lives while it runs. */
import type { Bytes } from "../../units.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { fresh, record, sharedTable, type Value } from "./tape.ts";

/** Sequence parallelism divides the vocabulary of the head, and torchtitan leaves the logits divided for the loss. */
const dividedLoss = (pass: Pass): boolean => pass.code.dividedLoss && pass.sequenceShards > 1;

/**
 * Log-softmax over a divided vocabulary, one operation at a time (torch 2.13 `tensor/parallel/loss.py`): forward has the
 * shifted logits, their exponentials and a result beside logits and logarithms, backward the gradient, exp(x) and a sum.
 *
 *     8192 tokens, 128,256 / 2 columns: 3 x 2.10 GB more in forward, 2 x 2.10 GB in backward
 */
function dividedLogSoftmax(pass: Pass, wide: Value): Value {
  const value = fresh(pass.tape, { elements: wide.elements, width: 4, grad: wide.grad });
  const { bytes } = value.storage;
  record(pass.tape, {
    inputs: [wide],
    outputs: [value],
    saved: [value],
    forwardScratch: 3 * bytes,
    backwardScratch: 2 * bytes,
  });
  return value;
}

/** Log-softmax of fp32 logits. */
export const wideLogSoftmax = (pass: Pass, wide: Value): Value =>
  dividedLoss(pass) ? dividedLogSoftmax(pass, wide) : op.softmax(pass.tape, wide);

/**
 * Cross entropy in fp32, as `ForCausalLMLoss` of transformers has it; `shifts` copies all but the last token's of what was widened,
 * `inPlace` overwrites it with its gradient.
 */
export function widenedLoss(
  pass: Pass,
  logits: Value,
  { shifts = false, inPlace = false }: { readonly shifts?: boolean; readonly inPlace?: boolean } = {},
): { readonly loss: Value; readonly held: readonly Value[] } {
  const wide = op.cast(pass.tape, logits, 4);
  const read = shifts ? op.copy(pass.tape, wide) : wide;
  const loss = inPlace ? overwritten(pass, read) : pickTargets(pass, wideLogSoftmax(pass, read));
  return { loss, held: [wide, read] };
}

/**
 * Megatron's loss (`megatron/core/tensor_parallel/cross_entropy.py`, 0.14): the logits are widened once; the shift, the
 * exponential and the division by the sum happen in that copy, which backward turns into its own gradient and casts to the
 * logits' type.
 *
 *     forward 2 + 4, kept 4, backward 4 + 2 bytes per logit, of fp32 logits 4 in all: 4 x 1024 tokens of 50,304 words: 6 x 206,045,184 = 1.24 GB
 */
export function softmaxInPlace(pass: Pass, logits: Value): Value {
  // fp32 logits turn into it all themselves, so that the gradient below is what is kept.
  if (logits.width === 4) {
    const own = fresh(pass.tape, { elements: tokensOf(pass), width: 4, grad: logits.grad });
    record(pass.tape, { inputs: [logits], outputs: [own], saved: [targetsOf(pass)] });
    return own;
  }
  const probabilities = fresh(pass.tape, { elements: logits.elements, width: 4, grad: false });
  const loss = fresh(pass.tape, { elements: tokensOf(pass), width: 4, grad: logits.grad });
  record(pass.tape, {
    inputs: [logits],
    outputs: [loss, probabilities],
    saved: [probabilities, targetsOf(pass)],
  });
  return loss;
}

/**
 * Cross entropy in one kernel that keeps its input and one number per row, and turns the input into its gradient (Liger 0.6
 * `ops/cross_entropy.py`, Unsloth `kernels/cross_entropy_loss.py`): no log-softmax beside the logits.
 */
export function overwritten(pass: Pass, logits: Value): Value {
  const loss = fresh(pass.tape, { elements: 1, width: 4, grad: logits.grad });
  record(pass.tape, { inputs: [logits], outputs: [loss], saved: [logits], overwritesInput: true });
  return loss;
}

/** Tokens of each sequence whose loss LitGPT takes at a time (`chunked_cross_entropy`, and `lm_head_chunk_size`). */
const CHUNK_TOKENS = 128;

/**
 * LitGPT's loss. Fabric's `HalfPrecision.convert_output` turns the model's outputs into the default type, fp32, whatever the weights
 * are in; a variable of the loop holds them during backward. Each chunk keeps its fp32 log-probabilities, whose place its
 * gradients take when its backward has run:
 *
 *     4 logits + 4 log-probabilities or gradients + 8 of one chunk, bytes per logit
 */
export function chunkedByTokens(pass: Pass, logits: Value): Value {
  const chunk = Math.min(1, CHUNK_TOKENS / pass.seqTokens) * logits.storage.bytes;
  return pickTargets(pass, logits, { forward: logits.storage.bytes, backward: Math.round(2 * chunk) });
}

const NO_SCRATCH = { forward: 0, backward: 0 } as const;

/** Negative log likelihood: keeps the log-probabilities and int64 targets. */
export function pickTargets(
  pass: Pass,
  logProbabilities: Value,
  scratch: { readonly forward: Bytes; readonly backward: Bytes } = NO_SCRATCH,
): Value {
  const { tape } = pass;
  const targets = targetsOf(pass);
  const loss = fresh(tape, { elements: 1, width: 4, grad: logProbabilities.grad });
  const total = fresh(tape, { elements: 1, width: 4, grad: false });
  record(tape, {
    inputs: [logProbabilities],
    outputs: [loss, total],
    saved: [logProbabilities, targets, total],
    forwardScratch: scratch.forward,
    backwardScratch: scratch.backward,
  });
  return loss;
}

/** Shifted by padding one token and slicing it off; for one sequence the slice stays a view of S + 1. */
function targetsOf(pass: Pass): Value {
  const elements = pass.batch === 1 ? pass.seqTokens + 1 : tokensOf(pass);
  return sharedTable(pass.tape, "targets", { elements, width: 8 });
}
