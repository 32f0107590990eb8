import type { LatentMixer } from "../../architecture/mixers/mixer.ts";
import type { Tensor } from "../../architecture/model.ts";
import { scoreAndMix } from "./attention-scores.ts";
import { project } from "./linear.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { fresh, record, sharedTable, type Value } from "./tape.ts";

/**
 * Multi-head latent attention as transformers trains it: the latent is expanded to full keys and values for
 * all heads (`modeling_deepseek_v2.py`, `expand_kv`), so training keeps far more than the cache does.
 */
export function latentAttention(pass: Pass, x: Value, mixer: LatentMixer, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const tokens = tokensOf(pass);
  const { queryHeads, latentDim, ropeDim, nopeDim, valueDim } = mixer;
  const of = (role: Tensor["role"]): Tensor | undefined =>
    tensors.find((t) => t.role === role && t.kind === "linear");
  const through = (value: Value, role: Tensor["role"]): Value => {
    const weight = of(role);
    return weight === undefined ? value : project(pass, value, weight, tensors);
  };
  const normOf = (pattern: RegExp): Tensor | undefined =>
    tensors.find((t) => t.kind === "norm" && pattern.test(t.name));
  let q: Value;
  if (of("attn-q-a") === undefined) q = through(x, "attn-q");
  else {
    const low = norm(
      pass,
      through(x, "attn-q-a"),
      normOf(/q_a_(layer)?norm/),
      mixer.queryLatentDim ?? latentDim,
    );
    q = through(low, "attn-q-b");
  }
  const headTokens = tokens * queryHeads;
  const [qNope, qRope] = op.split(tape, q, [headTokens * nopeDim, headTokens * ropeDim]) as [Value, Value];
  const compressed = through(x, "attn-kv-a");
  const [latent, kRope] = op.split(tape, compressed, [tokens * latentDim, tokens * ropeDim]) as [
    Value,
    Value,
  ];
  const normed = norm(pass, latent, normOf(/kv_a_(layer)?norm/), latentDim);
  const query = op.concat(tape, [qNope, turned(pass, qRope, ropeDim)]);
  const rotated = turned(pass, kRope, ropeDim);
  const expanded = through(normed, "attn-kv-b");
  const [kNope, v] = op.split(tape, expanded, [headTokens * nopeDim, headTokens * valueDim]) as [
    Value,
    Value,
  ];
  const spread: Value = { ...rotated, elements: headTokens * ropeDim };
  const key = op.concat(tape, [kNope, spread]);
  const mixed = scoreAndMix(
    pass,
    { q: query, k: key, v },
    {
      queryHeads,
      kvHeads: queryHeads,
      keyDim: nopeDim + ropeDim,
      valueDim,
      masked: false,
      headMajor: true,
      keyTokens: pass.seqTokens,
      bias: null,
    },
  );
  return through(mixed, "attn-o");
}

/** Rotation as complex numbers: in fp32, keeping only the shared table. */
function turned(pass: Pass, x: Value, ropeDim: number): Value {
  const { tape } = pass;
  if (pass.code.rotary === "complex")
    sharedTable(tape, "rotations", { elements: pass.seqTokens * (ropeDim / 2), width: 8 });
  else {
    sharedTable(tape, "cos", { elements: pass.seqTokens * ropeDim, width: pass.residualWidth });
    sharedTable(tape, "sin", { elements: pass.seqTokens * ropeDim, width: pass.residualWidth });
  }
  const wide = fresh(tape, { elements: x.elements, width: 4, grad: x.grad });
  record(tape, { inputs: [x], outputs: [wide] });
  return op.cast(tape, op.scale(tape, wide), x.width);
}
