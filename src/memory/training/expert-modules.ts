/**
 * Experts as transformers held and ran them before 5.0: a module for each, with linears of its own, which bitsandbytes packs and PEFT
 * adapts like any other, called one after the other on the tokens that chose it.
 */
import type { Architecture, ExpertsFeedForward, LayerKind, Tensor } from "../../architecture/model.ts";
import { onceFor } from "../../remember.ts";
import { activate, gate } from "./activation.ts";
import { project } from "./linear.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { fresh, hold, record, type Value } from "./tape.ts";

/** Families whose classes held a module for each expert in 4.x; the others' were one tensor from the start. */
const FAMILIES: ReadonlySet<string> = new Set([
  "mixtral",
  "qwen2_moe",
  "qwen3_moe",
  "qwen3_next",
  "olmoe",
  "flex_olmo",
  "deepseek_v2",
  "deepseek_v3",
  "glm4_moe",
  "dots1",
  "ernie4_5_moe",
  "hunyuan_v1_moe",
  "phimoe",
  "minimax",
  "jamba",
]);

/** The model with a linear for each weight of each expert; itself where its family never had them. */
export const withExpertModules = onceFor((model: Architecture): Architecture => {
  if (!FAMILIES.has(model.family)) return model;
  const kindOf = onceFor(
    (kind: LayerKind): LayerKind => ({ ...kind, tensors: kind.tensors.flatMap(modules) }),
  );
  return {
    ...model,
    stacks: model.stacks.map((stack) => ({ ...stack, kinds: stack.kinds.map(kindOf) })),
  };
});

function modules(tensor: Tensor): readonly Tensor[] {
  if (tensor.kind !== "expert") return [tensor];
  return Array.from({ length: tensor.copies }, (_, index) => ({
    ...tensor,
    name: tensor.name.replace("experts.", `experts.${index}.`),
    kind: "linear" as const,
    copies: 1,
  }));
}

export const isExpertModule = (tensor: Tensor): boolean =>
  tensor.kind === "linear" && tensor.group === "experts";

/**
 * `MixtralSparseMoeBlock.forward` (transformers 4.45; those of other families are written like it): for each expert the rows that
 * chose it are gathered, run, weighted and added to the sum in place. With tokens spread evenly:
 *
 *     2 h k   results before weighting, kept with the routing weights
 *     6 f k   gate, up and activated gate
 *     8 E k   a one-hot table of int64, while the layer runs
 *
 * @param weights routing weights of k experts per token, in x's type
 */
export function expertModules(
  pass: Pass,
  x: Value,
  weights: Value,
  feed: ExpertsFeedForward,
  tensors: readonly Tensor[],
): Value {
  const { tape } = pass;
  const tokens = tokensOf(pass) / pass.sequenceShards;
  const hidden = x.elements / tokens;
  const all = tokens * (pass.routedExperts ?? feed.activeExperts);
  const of = (role: Tensor["role"]): readonly Tensor[] =>
    tensors.filter((t) => t.role === role && isExpertModule(t));
  const [gates, ups, downs] = [of("mlp-gate"), of("mlp-up"), of("mlp-down")];
  const chosen = fresh(tape, { elements: all * feed.experts, width: 8, grad: false });
  let sum = fresh(tape, { elements: x.elements, width: x.width, grad: true });
  record(tape, { inputs: [], outputs: [chosen, sum] });
  const rows = Math.ceil(all / ups.length);
  for (const [index, up] of ups.entries()) {
    const indices = fresh(tape, { elements: rows, width: 8, grad: false });
    const state = op.gather(tape, x, { elements: rows * hidden, indices });
    const run = (input: Value, weight: Tensor): Value => project(pass, input, weight, tensors);
    const gateWeight = gates[index];
    const inner =
      gateWeight === undefined
        ? activate(pass, run(state, up), feed.activation)
        : gate(pass, run(state, gateWeight), run(state, up), feed.activation);
    const out = run(inner, downs[index]!);
    const shares = op.gather(tape, weights, { elements: rows, indices });
    const weighted = op.multiply(tape, out, shares);
    const added: Value = { ...sum, id: tape.ids++ };
    record(tape, { inputs: [sum, weighted], outputs: [added], saved: [indices], alias: true });
    sum = added;
  }
  hold(tape, [chosen]);
  return sum;
}
