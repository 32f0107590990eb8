/** A model laid out for reading: what each run of layers is, and the linears it holds. */

import type { Architecture, Group, LayerKind, Role, Stack, StackRole, Tensor } from "./model.ts";
import { tensorElements } from "./parameters.ts";
import { layerCount } from "./stack.ts";

/** Layers by kind, for models whose kinds alternate: one row per distinct layer. */
export interface LayerGroup {
  readonly stack: StackRole;
  readonly prefix: string;
  readonly count: number;
  /** Indices of the layers in compact form: "0, 2, 4-7", cut after a few. */
  readonly where: string;
  /** How many times each of them runs. */
  readonly repeats: number;
  readonly kind: LayerKind;
  /** Parameters of one layer, buffers left out. */
  readonly parametersEach: number;
}

/**
 * The distinct layers of each stack with where they stand.
 *
 * @example layerGroups(llama_3_1_8b).map(({ count, where }) => `${count}: ${where}`) // ["32: 0-31"]
 */
export function layerGroups(model: Architecture): readonly LayerGroup[] {
  return model.stacks.flatMap((stack) =>
    stack.kinds.map((kind, index) => ({
      stack: stack.role,
      prefix: stack.prefix,
      count: stack.counts[index]!,
      where: positionsOf(stack, index, firstLayer(model, stack)),
      repeats: stack.repeats ?? 1,
      kind,
      parametersEach: layerParameters(kind),
    })),
  );
}

/** Prediction layers kept in the decoder's own list follow its layers: DeepSeek-V3's is number 61. */
function firstLayer(model: Architecture, stack: Stack): number {
  if (stack.role !== "mtp") return stack.slice?.first ?? 0;
  const body = model.stacks.find(({ role, prefix }) => role === "decoder" && prefix === stack.prefix);
  return body === undefined ? 0 : layerCount(body);
}

function positionsOf(stack: Stack, kind: number, offset: number): string {
  const spans: string[] = [];
  let first = offset;
  for (const run of stack.runs) {
    if (run.kind === kind) spans.push(run.count === 1 ? `${first}` : `${first}-${first + run.count - 1}`);
    first += run.count;
  }
  return spans.length <= 6 ? spans.join(", ") : `${spans.slice(0, 5).join(", ")}, ...`;
}

/** Parameters of one layer of the kind, buffers left out. */
export function layerParameters(kind: LayerKind): number {
  let sum = 0;
  for (const tensor of kind.tensors)
    if (tensor.buffer !== true) sum += tensorElements(tensor) * tensor.copies;
  return sum;
}

/** A linear of the model: one shape under one name, with how many there are. */
export interface LinearEntry {
  readonly name: string;
  readonly role: Role;
  readonly group: Group;
  readonly stack: StackRole | "outside";
  readonly outDim: number;
  readonly inDim: number;
  /** Layers times copies (experts). */
  readonly count: number;
}

/**
 * Every linear, the head and experts included, equal ones together.
 *
 * @example linears(llama_3_1_8b).map((linear) => linear.outDim * linear.inDim * linear.count).reduce((a, b) => a + b) // 7_504_658_432
 */
export function linears(model: Architecture): readonly LinearEntry[] {
  const found = new Map<string, LinearEntry>();
  const add = (tensor: Tensor, layers: number, stack: StackRole | "outside"): void => {
    if ((tensor.kind !== "linear" && tensor.kind !== "expert") || tensor.shape.length !== 2) return;
    const [outDim, inDim] = tensor.shape as readonly [number, number];
    const name = tensor.name.replace(/\.weight$/, "");
    const key = `${stack} ${name} ${outDim} ${inDim}`;
    const count = layers * tensor.copies + (found.get(key)?.count ?? 0);
    found.set(key, { name, role: tensor.role, group: tensor.group, stack, outDim, inDim, count });
  };
  for (const tensor of model.tensors) add(tensor, 1, "outside");
  for (const stack of model.stacks) {
    stack.kinds.forEach((kind, index) => {
      for (const tensor of kind.tensors) add(tensor, stack.counts[index]!, stack.role);
    });
  }
  return [...found.values()];
}
