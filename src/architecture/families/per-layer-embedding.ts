/** What Gemma 3n and Gemma 4 E share: a small embedding per layer, and last layers that reuse earlier keys and values. */

import type { ConfigReader } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { linear, norm, tensor } from "../tensors.ts";

function project(name: string, outDim: number, inDim: number): Tensor[] {
  return linear({ name, role: "other", group: "other", outDim, inDim });
}

export interface PerLayerSizes {
  readonly hiddenSize: number;
  readonly layers: number;
  /** p, width of the embedding of one layer. */
  readonly width: number;
  readonly vocabSize: number;
}

/** Outside the layers: embedding V*L*p, projection h*L*p and its norm p. */
export function perLayerEmbedding(sizes: PerLayerSizes): Tensor[] {
  const { hiddenSize, layers, width, vocabSize } = sizes;
  if (layers === 0) return [];
  return [
    tensor({
      name: "model.embed_tokens_per_layer.weight",
      role: "embedding",
      kind: "embedding",
      group: "embedding",
      shape: [vocabSize, layers * width],
      split: "vocab",
    }),
    ...project("model.per_layer_model_projection", layers * width, hiddenSize),
    ...norm("model.per_layer_projection_norm", width),
  ];
}

/** In each layer: gate h*p, projection p*h and a norm h. */
export function perLayerInput(hiddenSize: number, width: number): Tensor[] {
  return [
    ...project("per_layer_input_gate", width, hiddenSize),
    ...project("per_layer_projection", hiddenSize, width),
    ...norm("post_per_layer_input_norm", hiddenSize),
  ];
}

/** The last num_kv_shared_layers layers hold no keys and values of their own; a drafter's may all read a larger model's. */
export function sharesKeys(
  config: ConfigReader,
  layers: number,
  classDefault: number,
): (layer: number) => boolean {
  const shared = config.count("num_kv_shared_layers", classDefault);
  const drafts = config.parent?.optionalText("model_type")?.endsWith("_assistant") === true;
  if (drafts && shared === layers) return () => true;
  if (shared > 0 && shared >= layers) config.fail("num_kv_shared_layers", `fewer than the ${layers} layers`);
  return (layer) => shared > 0 && layer >= layers - shared;
}
