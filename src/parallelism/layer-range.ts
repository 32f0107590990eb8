import type { Architecture, LayerKind, Run, Stack, Tensor } from "../architecture/model.ts";
import { countParameters } from "../architecture/parameters.ts";
import { inTower, layerCount } from "../architecture/stack.ts";

export interface LayerRange {
  /** Index of the first layer held, over the decoder (or lone encoder) stack. */
  readonly firstLayer: number;
  readonly layers: number;
  /** Holds the input side: embeddings, towers, projectors. */
  readonly input: boolean;
  /** Holds the output side: final norm and head; a copy of a tied embedding. */
  readonly output: boolean;
}

/** Stacks whose layers a pipeline or an offload divides: the decoder, or the encoder of a model without one. */
export function dividedStack(model: Architecture): Stack | undefined {
  return (
    model.stacks.find((stack) => stack.role === "decoder") ??
    model.stacks.find((stack) => stack.role === "encoder")
  );
}

/**
 * Layers of that stack; none in a model known by its tensors alone.
 *
 * @example dividedLayers(llama_3_1_8b) // 32
 */
export function dividedLayers(model: Architecture): number {
  const stack = dividedStack(model);
  return stack === undefined ? 0 : layerCount(stack);
}

/** Most stages that a pipeline can have: one per layer, and one for a model without a list of layers. */
export const pipelineLayers = (model: Architecture): number =>
  dividedStack(model) === undefined ? 1 : dividedLayers(model);

/**
 * The part of a model that holds some consecutive layers and, on request, its two ends.
 *
 * @example sliceLayers(llama_3_1_8b, { firstLayer: 0, layers: 8, input: true, output: false }).parameters.total
 * // 2_270_232_576 = 8 x 218,112,000 + 128,256 x 4096 (embedding)
 */
export function sliceLayers(model: Architecture, range: LayerRange): Architecture {
  const part = uncountedSlice(model, range);
  return { ...part, parameters: countParameters(part) };
}

/** As `sliceLayers`, with the parameters of the whole still: for who divides the part further and counts then. */
export function uncountedSlice(model: Architecture, range: LayerRange): Architecture {
  const divided = dividedStack(model);
  const stacks: Stack[] = [];
  for (const stack of model.stacks) {
    if (stack === divided) stacks.push(sliceStack(stack, range));
    else if (stack.role === "mtp" ? range.output : range.input) stacks.push(stack);
  }
  const tensors = model.tensors.filter((tensor) => endOf(tensor, model, range));
  return { ...model, stacks, tensors };
}

function endOf(tensor: Tensor, model: Architecture, range: LayerRange): boolean {
  // Norms of a tower stand with the tower.
  if (inTower(tensor)) return range.input;
  switch (tensor.role) {
    case "embedding":
      // A table of small embeddings for every layer (Gemma 3n, 4 E) stands in for no head.
      return range.input || (range.output && model.tied && !/per_layer/.test(tensor.name));
    case "head":
    case "norm":
      return range.output;
    default:
      return range.input;
  }
}

function sliceStack(stack: Stack, { firstLayer, layers }: LayerRange): Stack {
  const last = firstLayer + layers;
  const index = new Map<number, number>();
  const kinds: LayerKind[] = [];
  const counts: number[] = [];
  const runs: Run[] = [];
  let at = 0;
  for (const run of stack.runs) {
    const count = Math.min(last, at + run.count) - Math.max(firstLayer, at);
    at += run.count;
    if (count <= 0) continue;
    let kind = index.get(run.kind);
    if (kind === undefined) {
      kind = kinds.length;
      index.set(run.kind, kind);
      kinds.push(stack.kinds[run.kind]!);
      counts.push(0);
    }
    counts[kind] = counts[kind]! + count;
    runs.push({ kind, count });
  }
  const slice = { first: (stack.slice?.first ?? 0) + firstLayer, of: stack.slice?.of ?? at };
  return { ...stack, kinds, counts, runs, slice };
}
