import type { AttentionMixer, Tensor } from "../../architecture/model.ts";
import { project } from "./linear.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { concatenates, rotary } from "./rotary.ts";
import { fresh, hold, record, sharedTable, type Value } from "./tape.ts";

interface Heads {
  readonly queryHeads: number;
  readonly kvHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  /** A window that hides part of these sequences, so that a mask is built. */
  readonly masked: boolean;
  /** Queries lie head by head, as a concatenation leaves them: the kernel's output does too and is copied. */
  readonly headMajor: boolean;
}

/** Softmax attention from the normed input x to the output projection. */
export function attention(pass: Pass, x: Value, mixer: AttentionMixer, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const tokens = tokensOf(pass);
  const { queryHeads, kvHeads, keyDim, valueDim } = mixer;
  const of = (role: Tensor["role"]): Tensor | undefined =>
    tensors.find((t) => t.role === role && t.kind === "linear");
  const fused = of("attn-qkv");
  const widths = [queryHeads * keyDim, kvHeads * keyDim, kvHeads * valueDim] as const;
  let [q, k, v]: Value[] =
    fused !== undefined
      ? op.split(
          tape,
          project(pass, x, fused, tensors),
          widths.map((w) => w * tokens),
        )
      : (["attn-q", "attn-k", "attn-v"] as const).map((role) => {
          const weight = of(role);
          return weight === undefined ? x : project(pass, x, weight, tensors);
        });
  const qNorm = normTensor(tensors, "q");
  const kNorm = normTensor(tensors, "k");
  if (qNorm !== undefined && kNorm !== undefined) {
    q = norm(pass, q!, qNorm, qNorm.shape[qNorm.shape.length - 1]!);
    k = norm(pass, k!, kNorm, kNorm.shape[kNorm.shape.length - 1]!);
  }
  const windowTokens = mixer.windowTokens ?? mixer.chunkTokens;
  const masked = windowTokens !== undefined && pass.seqTokens >= windowTokens;
  q = rotary(pass, q!, keyDim);
  k = rotary(pass, k!, keyDim);
  const headMajor = concatenates(pass, keyDim);
  const heads: Heads = { queryHeads, kvHeads, keyDim, valueDim, masked, headMajor };
  const mixed = scoreAndMix(pass, { q, k, v: v! }, heads);
  const output = of("attn-o");
  const out = output === undefined ? mixed : project(pass, mixed, output, tensors);
  hold(tape, [x]);
  return out;
}

function normTensor(tensors: readonly Tensor[], of: "q" | "k"): Tensor | undefined {
  return tensors.find(
    (t) => t.kind === "norm" && new RegExp(`(^|[._])${of}(uery|ey)?_(layer)?norm\\.`).test(t.name),
  );
}

/** Scores, softmax and the weighted sum of values: by PyTorch operations, or in one kernel. */
export function scoreAndMix(
  pass: Pass,
  input: { readonly q: Value; readonly k: Value; readonly v: Value },
  heads: Heads,
): Value {
  // Grouped heads in fp32 have no fused kernel behind SDPA: it falls back to plain operations.
  const unfused = pass.attention === "sdpa" && input.q.width === 4 && !pass.tape.autocast;
  if (pass.attention === "eager" || (unfused && heads.queryHeads > heads.kvHeads))
    return eager(pass, input, heads);
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
  const expand =
    pass.attention === "sdpa" && (heads.masked || heads.keyDim !== heads.valueDim || heads.keyDim > 256);
  const expanded = (x: Value): Value => (expand && groups > 1 ? op.copy(tape, x, x.elements * groups) : x);
  const k = expanded(op.operand(tape, input.k));
  const v = expanded(op.operand(tape, input.v));
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
    const elements = pass.batch * pass.seqTokens * pass.seqTokens;
    sharedTable(tape, "bool-mask", { elements, width: 1 });
    const mask = fresh(tape, { elements, width: q.width, grad: false });
    record(tape, { inputs: [], outputs: [mask] });
    saved.push(mask);
  }
  record(tape, { inputs: [q, k, v], outputs: [out, logSumExp, ...random], saved });
  return heads.headMajor ? op.copy(tape, out) : out;
}

/**
 * Attention by PyTorch operations. Per head and pair of tokens, in bf16: the fp32 softmax (4) and its bf16
 * copy (2), with dropout also a mask (1) and the dropped copy (2), with a soft cap the tanh (2).
 */
function eager(
  pass: Pass,
  input: { readonly q: Value; readonly k: Value; readonly v: Value },
  heads: Heads,
): Value {
  const { tape, code } = pass;
  const tokens = tokensOf(pass);
  const groups = heads.queryHeads / heads.kvHeads;
  // A product over (batch, head) of a transposed tensor needs a contiguous copy unless the batch is one.
  const arranged = (x: Value, repeats: number): Value =>
    repeats > 1 ? op.copy(tape, x, x.elements * repeats) : pass.batch > 1 ? op.copy(tape, x) : x;
  const q = arranged(op.operand(tape, input.q), 1);
  const k = arranged(op.operand(tape, input.k), groups);
  const v = arranged(op.operand(tape, input.v), groups);
  const pairs = tokens * pass.seqTokens * heads.queryHeads;
  let scores = op.scale(tape, op.matmul(tape, q, k, pairs));
  const written = pass.attention === "eager";
  if (written && pass.facts.attentionSoftcap)
    scores = op.scale(tape, op.keepsOutput(tape, op.scale(tape, scores)));
  if (written)
    sharedTable(tape, "eager-mask", { elements: pass.batch * pass.seqTokens ** 2, width: input.q.width });
  scores = op.add(tape, scores, scores);
  let weights: Value;
  if (code.softmaxInModelType && !tape.autocast) weights = op.keepsOutput(tape, scores);
  else weights = op.cast(tape, op.keepsOutput(tape, op.cast(tape, scores, 4)), input.q.width);
  weights = op.dropout(tape, weights, pass.facts.attentionDropout);
  const mixed = op.matmul(tape, weights, v, tokens * heads.queryHeads * heads.valueDim);
  return op.copy(tape, mixed);
}
