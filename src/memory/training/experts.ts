import type { ExpertsFeedForward, Tensor } from "../../architecture/model.ts";
import { tensorElements } from "../../architecture/parameters.ts";
import { activate, gate } from "./activation.ts";
import { expertModules, isExpertModule } from "./expert-modules.ts";
import { feedForward } from "./feed-forward.ts";
import { mergedWeight, project } from "./linear.ts";
import { bareNorm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf, weightOf } from "./pass.ts";
import { fresh, hold, record, type Value } from "./tape.ts";

/**
 * Routed experts through one grouped product, as transformers 5 computes them
 * (`integrations/moe.py`, `grouped_mm_experts_forward`). Kept in bf16 with trained weights, per token with
 * k experts of width f out of E:
 *
 *     4 h k   rows gathered for the experts, and their results before weighting
 *     8 f k   gate, up, activated gate, and the down product's input
 *     4 E     router softmax in fp32
 *     36 k    chosen indices and weights, sort order and its inverse
 */
export function experts(
  pass: Pass,
  { x, routing }: { readonly x: Value; readonly routing: Value },
  feed: ExpertsFeedForward,
  tensors: readonly Tensor[],
): Value {
  const { tape } = pass;
  if (pass.code.everyExpert) return everyExpert(pass, x, feed, tensors);
  // Tokens of this rank: under sequence parallelism its part, which it routes to experts on its own.
  const tokens = tokensOf(pass) / pass.sequenceShards;
  const chosen = pass.routedExperts ?? feed.activeExperts;
  const rows = tokens * chosen;
  const indices = (): Value => fresh(tape, { elements: rows, width: 8, grad: false });
  const gateOfShared = tensors.find((t) => t.role === "router" && t.shape[0] === 1);
  const shared = (): Value | null =>
    feed.sharedWidth === 0
      ? null
      : feedForward(pass, x, { activation: feed.activation, tensors, group: "shared-experts" });
  // A gate multiplies after the others what the shared experts gave before them.
  const before = gateOfShared !== undefined || pass.code.sharedFirst ? shared() : null;
  const withShared = (routed: Value): Value => {
    const out = before ?? shared();
    if (out === null) return routed;
    if (gateOfShared === undefined) return op.add(tape, routed, out);
    const share = op.keepsOutput(tape, project(pass, x, gateOfShared, tensors));
    return op.add(tape, routed, op.multiply(tape, share, out));
  };
  const weights = router(pass, routing, tensors, indices());
  if (tensors.some(isExpertModule)) return withShared(expertModules(pass, x, weights, feed, tensors));
  const gathered = op.gather(tape, x, { elements: (x.elements / tokens) * rows, indices: indices() });
  const order = indices();
  const offsets = fresh(tape, { elements: feed.experts, width: 4, grad: false });
  record(tape, {
    inputs: [],
    outputs: [offsets, fresh(tape, { elements: 0, width: 4, grad: gathered.grad })],
    saved: [offsets],
  });
  const sorted = op.gather(tape, weights, { elements: rows, indices: order });
  const inner = grouped(pass, gathered, feed, tensors);
  const result = op.multiply(tape, inner, sorted);
  const restored = op.gather(tape, result, { elements: result.elements, indices: indices() });
  const sum = op.cast(tape, op.reduce(tape, restored, x.elements), x.width);
  hold(tape, [gathered, inner]);
  return withShared(sum);
}

/**
 * Llama 4's experts (transformers 5.18 `Llama4TextMoe`): every token is repeated for every expert and multiplied by the router's
 * score, and batched products run over all of them. Kept in bf16 with trained weights, per token with E experts of width f:
 *
 *     4 h E   repeated rows, and those multiplied by their scores
 *     8 f E   gate and up, activated gate, and the down product's input
 *     4 E     scores in fp32
 */
function everyExpert(pass: Pass, x: Value, feed: ExpertsFeedForward, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const tokens = tokensOf(pass) / pass.sequenceShards;
  const weight = tensors.find((t) => t.role === "router" && t.kind === "linear");
  const logits = weight === undefined ? x : project(pass, x, weight, tensors);
  const best = fresh(tape, { elements: tokens * feed.activeExperts, width: logits.width, grad: logits.grad });
  const where = fresh(tape, { elements: tokens * feed.activeExperts, width: 8, grad: false });
  record(tape, { inputs: [logits], outputs: [best, where], saved: [where] });
  const spread = fresh(tape, { elements: tokens * feed.experts, width: logits.width, grad: logits.grad });
  record(tape, { inputs: [best], outputs: [spread], saved: [where] });
  const scores = op.cast(tape, op.keepsOutput(tape, op.cast(tape, spread, 4)), logits.width);
  const repeated = op.copy(tape, x, x.elements * feed.experts);
  const rows = op.multiply(tape, repeated, op.copy(tape, scores));
  const inner = grouped(pass, rows, feed, tensors);
  const shared = feedForward(pass, x, { activation: feed.activation, tensors, group: "shared-experts" });
  return op.add(tape, shared, op.reduce(tape, inner, x.elements));
}

/**
 * Router: logits over E experts, fp32 softmax, the k largest. Some families multiply fp32 copies of the input
 * and the weight, which then keeps 4h per token.
 */
function router(pass: Pass, x: Value, tensors: readonly Tensor[], chosen: Value): Value {
  const { tape, code } = pass;
  const tokens = tokensOf(pass) / pass.sequenceShards;
  const rows = chosen.elements;
  const weight = tensors.find((t) => t.role === "router" && t.kind === "linear" && t.shape[0] !== 1);
  const scale = tensors.find((t) => /router\.scale$/.test(t.name));
  // Gemma 4 routes by the stream divided by its length and times a vector.
  const scaled =
    scale === undefined
      ? x
      : op.scale(tape, op.multiplyWeight(tape, bareNorm(pass, x, scale.shape[0]!), weightOf(pass, scale)));
  const input = code.wideRouter ? op.cast(tape, x, 4) : scaled;
  if (weight !== undefined && code.wideRouter) keepWideWeight(pass, weight);
  const logits = weight === undefined ? x : project(pass, input, weight, tensors);
  const top = fresh(tape, {
    elements: rows,
    width: code.clampedExperts ? logits.width : 4,
    grad: logits.grad,
  });
  if (code.clampedExperts) {
    record(tape, { inputs: [logits], outputs: [top, chosen], saved: [chosen] });
    return op.softmax(tape, top);
  }
  const scores = op.softmax(tape, op.cast(tape, logits, 4));
  record(tape, { inputs: [scores], outputs: [top, chosen], saved: [chosen] });
  const shares = op.multiply(tape, top, op.reduce(tape, top, tokens));
  switch (code.shares) {
    case "fp32":
      return shares;
    case "input":
      return op.cast(tape, shares, x.width);
    case "logits":
      return op.cast(tape, shares, logits.width);
  }
}

function keepWideWeight(pass: Pass, weight: Tensor): void {
  const { tape } = pass;
  const elements = tensorElements(weight);
  const wide = fresh(tape, { elements, width: 4, grad: false });
  const marker = fresh(tape, { elements: 0, width: 4, grad: true });
  record(tape, { inputs: [], outputs: [wide, marker], saved: [wide] });
}

/** Up (and gate) and down products over rows sorted by expert. */
function grouped(pass: Pass, rows: Value, feed: ExpertsFeedForward, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const of = (role: Tensor["role"]): Tensor | undefined =>
    tensors.find((t) => t.role === role && t.kind === "expert");
  const product = (
    x: Value,
    parts: readonly (Tensor | undefined)[],
    outDim: number,
    inDim: number,
  ): Value => {
    const merged = parts.flatMap((t) => (t === undefined ? [] : [mergedWeight(pass, t) ?? []].flat()));
    if (merged.length > 0) {
      const all = merged.length === 1 ? merged[0]! : joined(pass, merged);
      return op.matmul(tape, x, all, (x.elements / inDim) * outDim);
    }
    const held = parts.flatMap((t) => (t === undefined ? [] : [weightOf(pass, t)]));
    const first = held[0];
    if (first === undefined) return x;
    const { name, width, trainable } = first;
    return op.linear(tape, x, {
      name,
      width,
      trainable,
      elements: held.reduce((sum, w) => sum + w.elements, 0),
      inDim,
      outDim,
    });
  };
  const inDim = feed.latentDim ?? of("mlp-up")?.shape[1] ?? of("mlp-gate-up")?.shape[1] ?? 1;
  const up = [of("mlp-gate"), of("mlp-up"), of("mlp-gate-up")];
  const outDim = feed.gated ? 2 * feed.width : feed.width;
  const both = product(rows, up, outDim, inDim);
  let inner: Value;
  if (pass.code.clampedExperts) inner = clampedGate(pass, both);
  else if (feed.gated) {
    const half = both.elements / 2;
    const [g, u] = op.split(tape, both, [half, half]) as [Value, Value];
    inner = gate(pass, g, u, feed.activation);
  } else inner = activate(pass, both, feed.activation);
  return product(inner, [of("mlp-down")], inDim, feed.width);
}

/** Gate and up are one tensor, merged once. */
function joined(pass: Pass, parts: readonly Value[]): Value {
  const value = fresh(pass.tape, {
    elements: parts.reduce((sum, p) => sum + p.elements, 0),
    width: parts[0]!.width,
    grad: true,
  });
  record(pass.tape, { inputs: parts, outputs: [value], alias: true });
  return value;
}

/** GPT-OSS: gate = clamp(gate), up = clamp(up) + 1, up * gate * sigmoid(1.702 gate). */
function clampedGate(pass: Pass, both: Value): Value {
  const { tape } = pass;
  const half = both.elements / 2;
  const [g, u] = op.split(tape, both, [half, half]) as [Value, Value];
  const clampedGateValue = op.keepsInput(tape, g);
  const clampedUp = op.scale(tape, op.keepsInput(tape, u));
  const sigmoid = op.keepsOutput(tape, op.scale(tape, clampedGateValue));
  return op.multiply(tape, clampedUp, op.multiply(tape, clampedGateValue, sigmoid));
}
