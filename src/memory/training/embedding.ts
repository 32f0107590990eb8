import type { Architecture, Tensor } from "../../architecture/model.ts";
import { project } from "./linear.ts";
import { norm } from "./norm.ts";
import * as op from "./operations.ts";
import { type Pass, tokensOf } from "./pass.ts";
import { perLayerInputs } from "./per-layer-input.ts";
import { fresh, record, sharedTable, type Value } from "./tape.ts";

/**
 * Token ids to the residual stream: the lookup keeps the int64 ids (8 B per token), a dropout its mask.
 * Learned positions add a tensor of S x h; under sequence parallelism they are added to whole sequences, and a copy of the rank's
 * part goes on (Megatron Core `language_model_embedding.py`, `clone_scatter_output_in_embedding`). BLOOM norms the result, BERT the
 * sum with a vector for each type of token. An input made to need a gradient is a leaf of the graph, which holds it until the end of
 * backward when the first layer does not read that very tensor.
 */
export function embedding(
  pass: Pass,
  model: Architecture,
  inputGradients: boolean,
  side?: "encoder" | "decoder",
): Value {
  const { tape } = pass;
  const ofSide = (t: Tensor): boolean => side === undefined || t.name.includes(`${side}.`);
  const tokens = tokensOf(pass);
  const table = model.tensors.find((t) => t.role === "embedding");
  const trains = table !== undefined && pass.holding.trainable(table);
  const grad = trains || inputGradients;
  const width = pass.residualWidth;
  const positioned = model.tensors.some((t) => t.role === "position-embedding" && ofSide(t));
  const size = table?.shape[1] ?? model.hiddenSize;
  const whole = tokens * size;
  const elements = whole / pass.sequenceShards;
  const looked = fresh(tape, { elements: positioned ? whole : elements, width, grad });
  sharedTable(tape, side === "encoder" ? "source ids" : "ids", { elements: tokens, width: 8 });
  const scaled = pass.code.scaledEmbedding;
  const leaf = inputGradients && !trains && (positioned || scaled || pass.facts.embeddingDropout > 0);
  record(tape, { inputs: [], outputs: [looked], saved: [leaf ? looked : undefined] });
  let x = scaled ? op.scale(tape, looked) : looked;
  if (model.tensors.some((t) => t.name.endsWith("token_type_embeddings.weight"))) {
    const types = fresh(tape, { elements: whole, width, grad: trains });
    record(tape, { inputs: [], outputs: [types] });
    x = op.add(tape, x, types);
  }
  if (positioned) {
    const positions = fresh(tape, { elements: pass.seqTokens * size, width, grad: trains });
    record(tape, { inputs: [], outputs: [positions] });
    x = op.add(tape, x, positions);
    if (pass.sequenceShards > 1) x = op.copy(tape, x, elements);
  }
  const after = model.tensors.find(
    (t) =>
      t.kind === "norm" &&
      /word_embeddings_layernorm|embeddings\.LayerNorm|emb_ln|layernorm_embedding/.test(t.name) &&
      ofSide(t),
  );
  if (after !== undefined) x = norm(pass, x, after, size, 2);
  const inputs = perLayerInputs(pass, model, x);
  // Every layer keeps a view of them, whose gradients come together in one tensor.
  if (inputs !== null) record(tape, { inputs: [inputs], outputs: [op.view(tape, inputs)], saved: [inputs] });
  x = op.dropout(tape, x, pass.facts.embeddingDropout);
  const widening = model.tensors.find((t) => t.kind === "linear" && WIDENING.test(t.name));
  return widening === undefined ? x : project(pass, x, widening, model.tensors);
}

/** Tables narrower than the layers are widened by a product (ALBERT, ELECTRA, OPT 350M). */
const WIDENING = /(embedding_hidden_mapping_in|embeddings_project|project_in)\.weight$/;
