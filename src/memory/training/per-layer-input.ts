/**
 * The small embedding that each layer adds for itself (Gemma 4 E, transformers 5.18 `modeling_gemma4.py`): one lookup of L*p values
 * per token for all L layers, and in each layer a gate, a product with that layer's p values, a projection and a norm.
 */
import type { Architecture, Tensor } from "../../architecture/model.ts";
import { project } from "./linear.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { fresh, record, type Value } from "./tape.ts";

const named = (tensors: readonly Tensor[], name: RegExp): Tensor | undefined =>
  tensors.find((t) => name.test(t.name));

/** Whether the layers read such an embedding. */
export const perLayerTable = (model: Pick<Architecture, "tensors">): Tensor | undefined =>
  named(model.tensors, /embed_tokens_per_layer\.weight$/);

/**
 * All layers' inputs from the embedded tokens x: (norm(x @ P) + lookup) / sqrt 2, kept whole because each layer keeps a view of it.
 *
 *     x [T, h], P [L p, h], table [V, L p] -> [T, L p]
 */
export function perLayerInputs(pass: Pass, model: Architecture, x: Value): Value | null {
  const { tape } = pass;
  const table = perLayerTable(model);
  const projection = named(model.tensors, /per_layer_model_projection\.weight$/);
  const weight = named(model.tensors, /per_layer_projection_norm\.weight$/);
  if (table === undefined || projection === undefined || weight === undefined) return null;
  const looked = fresh(tape, {
    elements: tokensOf(pass) * table.shape[1]!,
    width: pass.holding.width(table),
    grad: pass.holding.trainable(table),
  });
  record(tape, { inputs: [], outputs: [looked] });
  const lookup = op.scale(tape, looked);
  const projected = op.scale(tape, project(pass, x, projection, model.tensors));
  return op.scale(tape, op.add(tape, norm(pass, projected, weight, weight.shape[0]!), lookup));
}

/** A layer's own part: x + norm((act(x @ G) * its input) @ D), or x where the layer has none. */
export function addPerLayerInput(pass: Pass, x: Value, tensors: readonly Tensor[]): Value {
  const { tape } = pass;
  const gate = named(tensors, /per_layer_input_gate\.weight$/);
  if (gate === undefined) return x;
  const projection = named(tensors, /per_layer_projection\.weight$/);
  const weight = named(tensors, /post_per_layer_input_norm\.weight$/);
  if (projection === undefined || weight === undefined) return x;
  const gated = op.keepsInput(tape, project(pass, x, gate, tensors));
  // A view of what `perLayerInputs` made, counted there.
  const own = fresh(tape, { elements: gated.elements, width: gated.width, grad: true, outside: true });
  const inner = project(pass, op.multiply(tape, gated, own), projection, tensors);
  return op.add(tape, x, norm(pass, inner, weight, weight.shape[0]!));
}
