import type { Tokens } from "../../units.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { fresh, record, sharedTable, type Value } from "./tape.ts";

export interface Heads {
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  /** Keys per sequence. */
  readonly keyTokens: Tokens;
  readonly windowTokens?: Tokens | undefined;
  /** Where the bias of these scores comes from. */
  readonly bias: "encoder" | "decoder" | "cross" | null;
  /** The window hides part of these sequences, so that a mask is built. */
  readonly masked: boolean;
  /** Queries lie head by head, as a concatenation leaves them: the kernel's output does too and is copied. */
  readonly headMajor: boolean;
}

/** Scores, softmax and the weighted sum of values: by PyTorch operations, or in one kernel. */
export function scoreAndMix(
  pass: Pass,
  input: { readonly q: Value; readonly k: Value; readonly v: Value },
  heads: Heads,
): Value {
  const byHand = pass.code.capsByHand && pass.facts.attentionSoftcap;
  if (pass.attention === "eager" || byHand) return eager(pass, input, heads);
  const grouped = heads.queryHeads > heads.kvHeads;
  const wide = input.q.width === 4 && !pass.tape.autocast;
  const needsGrouping = pass.code.ungrouped || (wide && !expandsHeads(pass, heads));
  if (pass.attention === "sdpa" && grouped && needsGrouping) return unfused(pass, input, heads);
  return fusedAttention(pass, input, heads);
}

/**
 * Scaled-dot-product attention in one kernel keeps q, k, v, the output and one fp32 log-sum-exp per head
 * and token:
 *
 *     2T (q + 2 kv + q) + 4 T a        bf16, grouped heads not expanded (flash)
 *
 * A window that bites needs a mask: the flash kernel then cannot run, K and V are expanded to all heads,
 * and the bool mask is copied into the compute type for every call.
 */
function fusedAttention(
  pass: Pass,
  input: { readonly q: Value; readonly k: Value; readonly v: Value },
  heads: Heads,
): Value {
  const { tape } = pass;
  const tokens = tokensOf(pass);
  const groups = heads.queryHeads / heads.kvHeads;
  const q = op.operand(tape, input.q);
  // FlashAttention's own interface has a window argument and takes any grouping; SDPA has neither.
  const expand = pass.repeatsKv || (pass.attention === "sdpa" && expandsHeads(pass, heads));
  // A single head is repeated by a stride of 0: no reshape has to copy it, but a cast does.
  const spread = (x: Value): Value => {
    if (!expand || groups === 1) return x;
    const elements = x.elements * groups;
    return heads.kvHeads === 1 ? op.view(tape, x, elements) : op.copy(tape, x, elements);
  };
  const k = op.operand(tape, spread(input.k));
  const v = op.operand(tape, spread(input.v));
  const out = fresh(tape, {
    elements: tokens * heads.queryHeads * heads.valueDim,
    width: q.width,
    grad: q.grad || k.grad || v.grad,
  });
  const logSumExp = fresh(tape, { elements: tokens * heads.queryHeads, width: 4, grad: false });
  // Seed and offset of the kernel's random numbers.
  const random = [0, 1].map(() => fresh(tape, { elements: 1, width: 8, grad: false }));
  const saved = [q, k, v, out, logSumExp, ...random];
  if (pass.attention === "sdpa" && heads.masked) {
    // One for all sequences (`sdpa_mask` expands it); its copy in the compute type has the batch.
    const mask = fresh(tape, { elements: pass.batch * pass.seqTokens ** 2, width: q.width, grad: false });
    sharedTable(tape, `bool-mask ${heads.windowTokens}`, { elements: pass.seqTokens ** 2, width: 1 });
    record(tape, { inputs: [], outputs: [mask] });
    saved.push(mask);
  }
  const biased = heads.bias === null ? null : scoreBias(pass, heads, heads.bias);
  record(tape, {
    inputs: [q, k, v],
    outputs: [out, logSumExp, ...random],
    saved: [...saved, ...(biased?.saved ?? [])],
    ...(biased === null ? {} : { backwardScratch: biased.gradientBytes }),
  });
  // Only the flash kernel follows the layout of the queries; the memory-efficient one writes token by token.
  const flash = q.width === 2 && !heads.masked && heads.keyDim === heads.valueDim;
  return heads.headMajor && flash ? op.copy(tape, out) : out;
}

/**
 * T5's bias as the mask of SDPA: H x T x K in the model's type and 8 T K for the buckets of distances, once for a stack, but the
 * causal mask makes a copy of it in each layer of the decoder. Its gradient has all sequences of the batch.
 */
function scoreBias(
  pass: Pass,
  heads: Heads,
  from: NonNullable<Heads["bias"]>,
): { readonly saved: readonly Value[]; readonly gradientBytes: number } {
  const { tape } = pass;
  const pairs = pass.seqTokens * heads.keyTokens;
  const table = { elements: pairs * heads.queryHeads, width: pass.residualWidth };
  const buckets = { elements: pairs, width: 8 } as const;
  const saved: Value[] = [];
  const keep = (of: typeof table, once: boolean, name: string): void => {
    if (once) {
      sharedTable(tape, `${name} ${from}`, of);
      return;
    }
    const value = fresh(tape, { ...of, grad: false });
    record(tape, { inputs: [], outputs: [value] });
    saved.push(value);
  };
  const once = pass.code.scoreBias === "stack";
  keep(table, once && from !== "decoder", "bias");
  if (from !== "cross") keep(buckets, once, "buckets");
  return { saved, gradientBytes: from === "cross" ? 0 : pass.batch * table.elements * table.width };
}

/** transformers repeats keys and values unless the kernel groups heads itself (`sdpa_attention.py`, `use_gqa_in_sdpa`). */
function expandsHeads(pass: Pass, heads: Heads): boolean {
  return pass.repeatsKv || heads.masked || heads.keyDim !== heads.valueDim || heads.keyDim > 256;
}

/** Operands of a product over (batch, head): contiguous copies, repeated to all query heads. */
function arranged(pass: Pass, x: Value, repeats: number): Value {
  if (repeats > 1) return op.copy(pass.tape, x, x.elements * repeats);
  return pass.batch > 1 ? op.copy(pass.tape, x) : x;
}

/**
 * What SDPA runs when no fused kernel takes the call (grouped heads in fp32, or fewer KV heads without the
 * grouping flag): everything in fp32, 4 bytes per head and pair of tokens (torch 2.13
 * `transformers/attention.cpp`, `_scaled_dot_product_attention_math`).
 */
function unfused(
  pass: Pass,
  input: { readonly q: Value; readonly k: Value; readonly v: Value },
  heads: Heads,
): Value {
  const { tape } = pass;
  const tokens = tokensOf(pass);
  const groups = heads.queryHeads / heads.kvHeads;
  const q = op.scale(tape, op.cast(tape, input.q, 4));
  const k = arranged(pass, op.scale(tape, op.cast(tape, input.k, 4)), groups);
  const v = arranged(pass, op.cast(tape, input.v, 4), groups);
  const scores = op.matmul(tape, q, k, tokens * heads.keyTokens * heads.queryHeads);
  const weights = op.dropout(tape, op.softmax(tape, scores), pass.facts.attentionDropout);
  const mixed = op.matmul(tape, weights, v, tokens * heads.queryHeads * heads.valueDim);
  return op.copy(tape, op.cast(tape, mixed, input.q.width));
}

/**
 * Attention by PyTorch operations. Per head and pair of tokens, in bf16: the fp32 softmax (4) and its bf16
 * copy (2), with dropout also a mask (1) and the dropped copy (2), with a soft cap the tanh (2). A family
 * that takes the softmax in the model's type keeps that one tensor (2).
 */
function eager(
  pass: Pass,
  input: { readonly q: Value; readonly k: Value; readonly v: Value },
  heads: Heads,
): Value {
  const { tape, code } = pass;
  const tokens = tokensOf(pass);
  const groups = heads.queryHeads / heads.kvHeads;
  const factor = (x: Value): Value => (code.wideScores ? op.cast(tape, x, 4) : op.operand(tape, x));
  const q = arranged(pass, factor(input.q), 1);
  const k = arranged(pass, factor(input.k), groups);
  const v = arranged(pass, op.operand(tape, input.v), groups);
  // A sink adds one column to the scores.
  const columns = heads.keyTokens + (code.sinks ? 1 : 0);
  const rows = tokens * heads.queryHeads;
  let scores = op.scale(tape, op.matmul(tape, q, k, rows * heads.keyTokens));
  if (pass.facts.attentionSoftcap) scores = op.scale(tape, op.keepsOutput(tape, op.scale(tape, scores)));
  sharedTable(tape, `eager-mask ${heads.windowTokens}`, {
    elements: pass.batch * pass.seqTokens ** 2,
    width: pass.residualWidth,
  });
  scores = op.copy(tape, scores, rows * columns);
  if (code.sinks) scores = subtractMaximum(pass, scores, rows);
  let weights: Value;
  if (code.softmaxInModelType && !tape.autocast) weights = op.softmax(tape, scores);
  else weights = op.cast(tape, op.softmax(tape, op.cast(tape, scores, 4)), input.q.width);
  weights = op.dropout(tape, weights, pass.facts.attentionDropout);
  const mixed = op.matmul(tape, weights, v, rows * heads.valueDim);
  return op.copy(tape, mixed);
}

/** x - max(x): keeps where each row's maximum was, as int64. */
function subtractMaximum(pass: Pass, scores: Value, rows: number): Value {
  const { tape } = pass;
  const where = fresh(tape, { elements: rows, width: 8, grad: false });
  const maximum = op.gather(tape, scores, { elements: rows, indices: where });
  return op.add(tape, scores, maximum);
}
