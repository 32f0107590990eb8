import type { Architecture } from "../../architecture/model.ts";
import { finalNorm, headProduct, headWeight } from "./head.ts";
import { compiledChunks, fusedLinear, recomputed } from "./loss-chunks.ts";
import {
  chunkedByTokens,
  overwritten,
  pickTargets,
  softmaxInPlace,
  wideLogSoftmax,
  widenedLoss,
} from "./loss-operations.ts";
import * as op from "./operations.ts";
import type { TapePart } from "./part-events.ts";
import type { Pass } from "./pass.ts";
import { type Replay, replay } from "./replay.ts";
import { fresh, hold, record, type Tape, type Value } from "./tape.ts";

/**
 * Ways to compute the loss over T x V logits. Bytes per logit in bf16, at the end of forward and at the most:
 *
 *     hf                  4, 12     fp32 copy and fp32 log-softmax (`ForCausalLMLoss`)
 *     hf-upcast           4, 12     logits themselves widened first, shifted copy (transformers before 4.46)
 *     hf-shifted          4, 14     as hf, and a shifted copy of the fp32 copy (transformers 4.46 to 4.48)
 *     hf-narrow           2, 6      all but the last token's copied, log-softmax in the model's type; 4, 12 under autocast
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
  | "hf-shifted"
  | "hf-narrow"
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
  /** A kernel reads the logits as `kind` hands them over, keeps them, and writes their gradient over them. */
  readonly inPlace?: boolean;
  /** Unsloth's chunks of the fused loss instead of Liger's. */
  readonly largeChunks?: boolean;
  /** What calls the model widens the logits that it gives back (accelerate, `convert_outputs_to_fp32`): under autocast. */
  readonly widensOutput?: boolean;
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
    return compiledChunks({ pass, input, hidden }, model, code.chunks);
  switch (code.kind) {
    case "chunked-recompute":
      return { ...recomputed(newPass, { pass, input, hidden }, model, code.chunks), part: null };
    case "fused":
      return { ...fusedLinear({ pass, input, hidden }, model, code.largeChunks === true), part: null };
    case "hf":
    case "hf-upcast":
    case "hf-shifted":
    case "hf-narrow":
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
        code.kind === "hf-narrow" ||
        (code.kind === "hf" && pass.code.shiftsLogits) ||
        (code.kind === "plain" && flattensLogits(pass, model));
      // A variable of the class's `forward` holds the copy until it returns.
      const read = shifts ? op.copy(tape, logits) : logits;
      const { loss, held } = lossOf(pass, read, code);
      const holding = [hidden, logits, read, ...held];
      if (code.widensOutput === true) widenOutput(tape, holding, logits);
      const part = { tape, input, output: loss, held: code.widensOutput === true ? [] : holding };
      const sums = replay(tape, part);
      return code.hold === true ? { ...withHeld(sums, pass, logits), part: null } : { ...sums, part };
    }
  }
}

/** When the class has returned, and what its variables held is gone but for the logits, these are copied in fp32. */
function widenOutput(tape: Tape, held: readonly Value[], logits: Value): void {
  hold(tape, held);
  if (logits.width === 4) return;
  const copy = fresh(tape, { elements: logits.elements, width: 4, grad: false });
  record(tape, { inputs: [logits], outputs: [copy] });
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
  const narrow = code.kind === "plain" || code.kind === "hf-narrow";
  if (narrow && code.inPlace === true) return { loss: overwritten(pass, logits), held: [] };
  if (narrow && !(code.kind === "hf-narrow" && tape.autocast))
    return { loss: pickTargets(pass, op.softmax(tape, logits)), held: [] };
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
  if (code.kind === "kl") {
    const wide = op.cast(tape, logits, 4);
    const logProbabilities = wideLogSoftmax(pass, wide);
    const teacher = fresh(tape, { elements: wide.elements, width: 4, grad: false });
    const loss = fresh(tape, { elements: 1, width: 4, grad: wide.grad });
    record(tape, {
      inputs: [logProbabilities],
      outputs: [loss, teacher],
      saved: [logProbabilities, teacher],
    });
    return { loss, held: [wide, teacher] };
  }
  return widenedLoss(pass, logits, { shifts: code.kind === "hf-shifted", inPlace: code.inPlace === true });
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
