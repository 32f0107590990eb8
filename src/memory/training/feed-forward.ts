import type { Activation, Group, Tensor } from "../../architecture/model.ts";
import { activate, gate } from "./activation.ts";
import { fusedFeedForward, fusesAdapters } from "./fused-adapters.ts";
import { project } from "./linear.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { hold, type Value } from "./tape.ts";

export interface FeedForwardUse {
  readonly activation: Activation;
  readonly tensors: readonly Tensor[];
  /** Which of the layer's tensors: the dense MLP or the shared experts. */
  readonly group: Group;
}

/**
 * Gate, up, activation, down. Kept in bf16 with trained weights, per token: x 2h (shared with the other
 * products that read it), gate, up and activated gate 6f, and down's input 2f.
 */
export function feedForward(pass: Pass, x: Value, use: FeedForwardUse): Value {
  const { tape } = pass;
  const of = (role: Tensor["role"]): Tensor | undefined =>
    use.tensors.find((t) => t.role === role && t.group === use.group && t.kind === "linear");
  const fused = of("mlp-gate-up");
  const gated = of("mlp-gate");
  const up = of("mlp-up");
  const down = of("mlp-down");
  if (down === undefined) return x;
  let inner: Value;
  if (fused !== undefined) {
    const both = project(pass, x, fused, use.tensors);
    const width = tokensOf(pass) * down.shape[1]!;
    const [g, u] = op.split(tape, both, [width, width]) as [Value, Value];
    inner = gate(pass, g, u, use.activation);
  } else if (up === undefined) {
    return x;
  } else if (gated !== undefined) {
    if (fusesAdapters(pass, [gated, up, down], use.tensors))
      return fusedFeedForward(pass, x, [gated, up, down], use.tensors);
    const g = project(pass, x, gated, use.tensors);
    if (pass.kernels.fusedGate) inner = gate(pass, g, project(pass, x, up, use.tensors), use.activation);
    else inner = op.multiply(tape, activate(pass, g, use.activation), project(pass, x, up, use.tensors));
  } else {
    const scale = use.tensors.find((t) => /alpha_p$/.test(t.name));
    const trains = scale === undefined || pass.holding.trainable(scale);
    inner = activate(pass, project(pass, x, up, use.tensors), use.activation, trains);
  }
  if (pass.code.dropsInner) inner = op.dropout(tape, inner, pass.facts.residualDropout);
  const subNorm = use.tensors.find((t) => t.kind === "norm" && /ffn_sub_norm/.test(t.name));
  if (subNorm !== undefined) inner = norm(pass, inner, subNorm, subNorm.shape[0]!);
  const out = project(pass, inner, down, use.tensors);
  hold(tape, [x]);
  return out;
}
