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

/**
 * What an encoder-decoder makes beside its layers: the encoder's input, which is returned, and its output, which every layer of the
 * decoder reads.
 */
export function encodedSource(pass: Pass, model: Architecture, inputGradients: boolean): Value {
  const { tape } = pass;
  const x = embedsSound(model) ? sound(pass, model) : embedding(pass, model, inputGradients, "encoder");
  const encoded = fresh(tape, { elements: x.elements, width: x.width, grad: true });
  record(tape, { inputs: [], outputs: [encoded] });
  const weight = model.tensors.find(
    (t) => t.kind === "norm" && /encoder\.(final_layer_norm|layer_norm)\.weight$/.test(t.name),
  );
  const normed =
    weight === undefined
      ? encoded
      : norm(
          pass,
          encoded,
          weight,
          model.hiddenSize,
          model.tensors.some((t) => t.name === weight.name.replace(/weight$/, "bias")) ? 2 : 1,
        );
  const out = pass.code.dropsStacks ? op.dropout(tape, normed, pass.facts.residualDropout) : normed;
  record(tape, { inputs: [out], outputs: [op.view(tape, out)], saved: [out] });
  return x;
}

const convolutions = (model: Architecture): readonly Tensor[] =>
  model.tensors.filter((t) => t.kind === "conv" && /encoder\.conv[12]\.weight$/.test(t.name));

const embedsSound = (model: Architecture): boolean => convolutions(model).length === 2;

/**
 * Whisper's way from the spectrogram to the encoder: two convolutions, the second of stride 2, each with a GELU that keeps its input;
 * the second keeps the first one's output.
 *
 *     [B, mels, 2S] -> [B, h, 2S] -> [B, h, S] -> [B S, h]
 */
function sound(pass: Pass, model: Architecture): Value {
  const { tape } = pass;
  const elements = tokensOf(pass) * model.hiddenSize;
  const [first, second] = convolutions(model);
  const trains = (t: Tensor | undefined): boolean => t !== undefined && pass.holding.trainable(t);
  const width = pass.residualWidth;
  sharedTable(tape, "spectrogram", {
    elements: 2 * tokensOf(pass) * (first?.shape[1] ?? 0),
    width,
  });
  const wide = fresh(tape, { elements: 2 * elements, width, grad: trains(first) });
  record(tape, { inputs: [], outputs: [wide] });
  const active = op.keepsInput(tape, wide);
  const strided = fresh(tape, { elements, width, grad: trains(second) });
  record(tape, { inputs: [active], outputs: [strided], saved: [trains(second) ? active : undefined] });
  return op.scale(tape, op.keepsInput(tape, strided));
}

/** Tables narrower than the layers are widened by a product (ALBERT, ELECTRA, OPT 350M). */
const WIDENING = /(embedding_hidden_mapping_in|embeddings_project|project_in)\.weight$/;
