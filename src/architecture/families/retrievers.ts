/** Retrievers of pages: a model with eyes whose states a matrix brings to a small width (arXiv:2407.01449). */
import { part } from "../composite.ts";
import type { Family } from "../family.ts";
import { linear } from "../tensors.ts";

const retriever = (id: string, className: string, modelType: string): Family => ({
  id,
  modelTypes: [id],
  classNames: [className],
  build: (config, families) => {
    const draft = families.build(part(config, "vlm_config"), modelType);
    const at = <T extends { readonly name: string }>(each: T): T => ({ ...each, name: `vlm.${each.name}` });
    return {
      ...draft,
      family: id,
      modelType: id,
      tied: false,
      stacks: draft.stacks.map((stack) => ({ ...stack, prefix: `vlm.${stack.prefix}` })),
      tensors: [
        ...draft.tensors.filter(({ role }) => role !== "head").map(at),
        ...linear({
          name: "embedding_proj_layer",
          role: "head",
          group: "lm-head",
          outDim: config.int("embedding_dim", 128),
          inDim: draft.hiddenSize,
          bias: true,
        }),
      ],
    };
  },
});

export const RETRIEVERS: readonly Family[] = [
  retriever("colpali", "ColPaliForRetrieval", "paligemma"),
  retriever("colqwen2", "ColQwen2ForRetrieval", "qwen2_vl"),
];
