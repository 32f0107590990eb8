import type { Architecture, Tensor } from "./model.ts";
import { finishArchitecture } from "./parameters.ts";

/**
 * What can be said of a weight file without a config: its tensors. Cache and activations need the shape of
 * the attention, so the model has no layers and the note says so.
 */
export function tensorsArchitecture(
  tensors: readonly { readonly name: string; readonly shape: readonly number[] }[],
): Architecture {
  const embedding = tensors.find(({ name }) => /(embed_tokens|wte|word_embeddings)\.weight$/.test(name));
  return finishArchitecture(
    {
      family: "tensors",
      modelType: "tensors",
      hiddenSize: embedding?.shape[1] ?? 0,
      vocabSize: embedding?.shape[0] ?? 0,
      tied: !tensors.some(({ name }) => /(^|\.)(lm_head|embed_out)\.weight$/.test(name)),
      norm: "none",
      stacks: [],
      tensors: tensors.map(
        ({ name, shape }): Tensor => ({
          name,
          role: name === embedding?.name ? "embedding" : "other",
          kind: "vector",
          group: name === embedding?.name ? "embedding" : "other",
          shape,
          copies: 1,
          activeCopies: 1,
          split: "replicated",
        }),
      ),
      notes: [
        {
          code: "no-config",
          message: "no config.json lies beside the weights: the cache is not sized, put one there to have it",
        },
      ],
    },
    "(tensors)",
  );
}
