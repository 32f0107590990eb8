import type { ExpertsFeedForward, Tensor } from "../../architecture/model.ts";
import { activate, gate } from "./activation.ts";
import { feedForward } from "./feed-forward.ts";
import { project } from "./linear.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf, weightOf } from "./pass.ts";
import { fresh, record, type Value } from "./tape.ts";

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
export function experts(pass: Pass, x: Value, feed: ExpertsFeedForward, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const tokens = tokensOf(pass);
  const rows = tokens * feed.activeExperts;
  const indices = (): Value => fresh(tape, { elements: rows, width: 8, grad: false });
  const shared = feed.sharedWidth > 0 ? sharedExperts(pass, x, feed, tensors) : null;
  const weights = router(pass, x, feed, tensors, indices());
  const gathered = op.gather(tape, x, { elements: (x.elements / tokens) * rows, indices: indices() });
  const order = indices();
  const sorted = op.gather(tape, weights, { elements: rows, indices: order });
  const inner = grouped(pass, gathered, feed, tensors);
  const result = op.multiply(tape, inner, sorted);
  const restored = op.gather(tape, result, { elements: result.elements, indices: indices() });
  const sum = op.cast(tape, op.reduce(tape, restored, x.elements), x.width);
  return shared === null ? sum : op.add(tape, sum, shared);
}

function router(
  pass: Pass,
  x: Value,
  feed: ExpertsFeedForward,
  tensors: readonly Tensor[],
  chosen: Value,
): Value {
  const { tape } = pass;
  const rows = tokensOf(pass) * feed.activeExperts;
  const weight = tensors.find((t) => t.role === "router" && t.kind === "linear");
  const logits = weight === undefined ? x : project(pass, x, weight, tensors);
  const scores = op.keepsOutput(tape, op.cast(tape, logits, 4));
  const top = fresh(tape, { elements: rows, width: 4, grad: scores.grad });
  record(tape, { inputs: [scores], outputs: [top, chosen], saved: [chosen] });
  return op.cast(tape, op.multiply(tape, top, op.reduce(tape, top, tokensOf(pass))), logits.width);
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
    const held = parts.flatMap((t) => (t === undefined ? [] : [weightOf(pass, t)]));
    const first = held[0];
    if (first === undefined) return x;
    return op.linear(tape, x, {
      ...first,
      elements: held.reduce((sum, w) => sum + w.elements, 0),
      inDim,
      outDim,
    });
  };
  const inDim = feed.latentDim ?? rows.elements / (tokensOf(pass) * feed.activeExperts);
  const up = [of("mlp-gate"), of("mlp-up"), of("mlp-gate-up")];
  const outDim = feed.gated ? 2 * feed.width : feed.width;
  const both = product(rows, up, outDim, inDim);
  let inner: Value;
  if (feed.gated) {
    const half = both.elements / 2;
    const [g, u] = op.split(tape, both, [half, half]) as [Value, Value];
    inner = gate(pass, g, u, feed.activation);
  } else inner = activate(pass, both, feed.activation);
  return product(inner, [of("mlp-down")], inDim, feed.width);
}

function sharedExperts(pass: Pass, x: Value, feed: ExpertsFeedForward, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const out = feedForward(pass, x, { activation: feed.activation, tensors, group: "shared-experts" });
  const weight = tensors.find((t) => t.role === "router" && t.shape[0] === 1);
  if (weight === undefined) return out;
  return op.multiply(tape, op.keepsOutput(tape, project(pass, x, weight, tensors)), out);
}
