import type { AttentionMixer } from "../../architecture/mixers/mixer.ts";
import type { Tensor } from "../../architecture/model.ts";
import { type Heads, scoreAndMix } from "./attention-scores.ts";
import { fusedProducts, fusesAdapters } from "./fused-adapters.ts";
import { project, sharedAdapterInput } from "./linear.ts";
import { bareNorm, norm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { concatenates, ownTables, rotary, rotatesPart } from "./rotary.ts";
import { fresh, hold, record, type Value } from "./tape.ts";

/** Softmax attention from the normed input x to the output projection. */
export function attention(pass: Pass, x: Value, mixer: AttentionMixer, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const tokens = tokensOf(pass);
  const { queryHeads, kvHeads, keyDim, valueDim } = mixer;
  const of = (role: Tensor["role"]): Tensor | undefined =>
    tensors.find((t) => t.role === role && t.kind === "linear");
  const fused = of("attn-qkv");
  const widths = [queryHeads * keyDim, kvHeads * keyDim, kvHeads * valueDim] as const;
  const parts = (["attn-q", "attn-k", "attn-v"] as const).map(of);
  let [q, k, v]: Value[] =
    fused === undefined
      ? products(pass, x, { mixer, parts, widths, tensors })
      : op.split(
          tape,
          project(pass, x, fused, tensors),
          widths.map((w) => w * tokens),
        );
  if (pass.fillsCache && fused !== undefined) tape.cached.push(q!);
  const separateGate = of("attn-gate");
  // Qwen3-Next's product for queries is twice as wide: queries and a gate for the output.
  let gateValue: Value | null = null;
  if (separateGate !== undefined) gateValue = project(pass, x, separateGate, tensors);
  else if (q!.elements === 2 * widths[0] * tokens && fused === undefined) {
    const [queries, gated] = op.split(tape, q!, [q!.elements / 2, q!.elements / 2]) as [Value, Value];
    q = queries;
    gateValue = op.copy(tape, gated);
  }
  if (pass.code.padsAdapters) keepPadded(pass, { q: widths[0], k: widths[1], v: widths[2] }, tensors);
  // Values that stay a view of one fused product keep all of it alive; a copy to more heads frees it.
  if (pass.code.fusedQkv && fused === undefined && queryHeads === kvHeads)
    v = withFused(pass, v!, widths.reduce((sum, w) => sum + w, 0) * tokens);
  const qNorm = normTensor(tensors, "q");
  const kNorm = normTensor(tensors, "k");
  const normed = (x: Value, weight: Tensor | undefined): Value =>
    weight === undefined ? x : norm(pass, x, weight, weight.shape[weight.shape.length - 1]!);
  if (!pass.code.lateQkNorm) {
    q = normed(q!, qNorm);
    k = normed(k!, kNorm);
  }
  const keepsOwn = fused !== undefined || parts[1] !== undefined;
  if (pass.code.bareValueNorm && keepsOwn) v = bareNorm(pass, v!, valueDim);
  let repeats = queryHeads / kvHeads;
  // Falcon's new architecture copies keys and values to all query heads as soon as they are split.
  if (mixer.broadcastHeads !== undefined && repeats > 1) {
    q = op.copy(tape, q!);
    k = op.copy(tape, k!, k!.elements * repeats);
    v = op.copy(tape, v!, v!.elements * repeats);
    repeats = 1;
  }
  const windowTokens = mixer.windowTokens ?? mixer.chunkTokens;
  const masked = pass.code.alwaysMasked || (windowTokens !== undefined && pass.seqTokens >= windowTokens);
  const rotates = !pass.code.rotatesInWindows || windowTokens !== undefined;
  if (rotates) {
    const own = pass.code.ownTables ? ownTables(pass, keyDim) : null;
    q = rotary(pass, q!, keyDim, own);
    if (keepsOwn) k = rotary(pass, k!, keyDim, own);
  }
  if (pass.code.lateQkNorm) {
    q = normed(q!, qNorm);
    k = normed(k!, kNorm);
  }
  if (pass.code.bareQkNorm && rotates) {
    q = bareNorm(pass, q!, keyDim);
    k = bareNorm(pass, k!, keyDim);
  }
  if (pass.code.scalesQueries && !rotates) q = scaledByPosition(pass, q!);
  const headMajor = rotates && (pass.compiled ? rotatesPart : concatenates)(pass, keyDim);
  const heads: Heads = {
    queryHeads,
    kvHeads: queryHeads / repeats,
    keyDim,
    valueDim,
    keyTokens: mixer.cache === "cross" ? pass.sourceTokens : pass.seqTokens,
    bias: pass.code.scoreBias === "none" ? null : BIASES[mixer.cache],
    windowTokens,
    masked,
    headMajor,
  };
  let mixed = scoreAndMix(pass, { q: q!, k: k!, v: v! }, heads);
  if (gateValue !== null) mixed = op.multiply(tape, mixed, op.keepsOutput(tape, gateValue));
  const subNorm = tensors.find((t) => t.kind === "norm" && /attn_sub_norm/.test(t.name));
  if (subNorm !== undefined) mixed = norm(pass, mixed, subNorm, subNorm.shape[0]!);
  const output = of("attn-o");
  const out = output === undefined ? mixed : outputOf(pass, mixed, output, tensors);
  hold(tape, [x]);
  return out;
}

const outputOf = (pass: Pass, x: Value, weight: Tensor, tensors: readonly Tensor[]): Value =>
  fusesAdapters(pass, [weight], tensors)
    ? fusedProducts(pass, x, [weight], tensors)[0]!
    : project(pass, x, weight, tensors);

/** Whose bias the scores of a mixer get, by what it caches. */
const BIASES = { own: "decoder", shared: "decoder", none: "encoder", cross: "cross" } as const;

/**
 * Queries, keys and values by products of their own. Those of a cross-attention come from the encoder's output, which another part of
 * the step keeps; without weights for them they are an earlier layer's; without values alone, keys serve as both.
 */
function products(
  pass: Pass,
  x: Value,
  of: {
    readonly mixer: AttentionMixer;
    readonly parts: readonly (Tensor | undefined)[];
    readonly widths: readonly [q: number, k: number, v: number];
    readonly tensors: readonly Tensor[];
  },
): Value[] {
  const { mixer, parts, tensors } = of;
  const tokens = tokensOf(pass);
  const elsewhere = (elements: number, width: Value["width"]): Value =>
    fresh(pass.tape, { elements, width, grad: true, outside: true });
  const source =
    mixer.cache === "cross" ? elsewhere(pass.batch * pass.sourceTokens * (x.elements / tokens), x.width) : x;
  if (source === x && fusesAdapters(pass, parts, tensors))
    return fusedProducts(pass, x, parts as readonly Tensor[], tensors);
  const shared = pass.code.fusedQkv ? sharedAdapterInput(pass, x, parts) : null;
  const [q, k, v] = parts.map((weight, part) =>
    weight === undefined ? undefined : project(pass, part === 0 ? x : source, weight, tensors, shared),
  );
  const queries = q ?? x;
  const keys = k ?? elsewhere(of.widths[1] * tokens, queries.width);
  return [queries, keys, v ?? (k === undefined ? elsewhere(of.widths[2] * tokens, queries.width) : keys)];
}

/** A factor per position in fp32, which the product keeps; its result goes back to the queries' type. */
function scaledByPosition(pass: Pass, q: Value): Value {
  const { tape } = pass;
  const factors = fresh(tape, { elements: pass.seqTokens, width: 4, grad: false });
  const value = fresh(tape, { elements: q.elements, width: 4, grad: q.grad });
  record(tape, { inputs: [q], outputs: [value, factors], saved: [factors] });
  return op.cast(tape, value, q.width);
}

/** Results of adapters on some of q, k and v; a fused product is adapted in q and v unless the output is adapted too. */
function keepPadded(
  pass: Pass,
  widths: { readonly q: number; readonly k: number; readonly v: number },
  tensors: readonly Tensor[],
): void {
  const adapted = (role: Tensor["role"]): boolean =>
    tensors.some((t) => t.role === role && pass.holding.adapter(t) !== null);
  const fused = adapted("attn-qkv");
  if (fused && adapted("attn-o")) return;
  const parts = [
    fused || adapted("attn-q") ? widths.q : 0,
    adapted("attn-k") ? widths.k : 0,
    fused || adapted("attn-v") ? widths.v : 0,
  ];
  const kept = parts.reduce((sum, width) => sum + width, 0);
  if (kept === 0 || parts.every((width) => width > 0)) return;
  const source = fresh(pass.tape, { elements: kept * tokensOf(pass), width: 2, grad: true });
  record(pass.tape, { inputs: [], outputs: [source], saved: [source] });
}

/** `part` as a view of a larger product of `elements`. */
function withFused(pass: Pass, part: Value, elements: number): Value {
  const whole = fresh(pass.tape, { elements, width: part.width, grad: part.grad });
  record(pass.tape, { inputs: [part], outputs: [whole] });
  return { ...whole, elements: part.elements };
}

function normTensor(tensors: readonly Tensor[], of: "q" | "k"): Tensor | undefined {
  return tensors.find(
    (t) => t.kind === "norm" && new RegExp(`(^|[._])${of}(uery|ey)?_(layer)?norm\\.`).test(t.name),
  );
}
