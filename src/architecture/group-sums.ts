/** The parameters of a group as a sum over its tensors, to be done again by hand. */
import type { Architecture, Group } from "./model.ts";
import { forEachTensor, groupOf } from "./parameters.ts";

/** So many tensors of one shape. */
export interface ShapeCount {
  readonly count: number;
  readonly shape: readonly number[];
}

/**
 * Each group's tensors by shape, in the order of the model; buffers are no parameters.
 *
 * @example groupSums(llama_3_1_8b).get("embedding") // [{ count: 1, shape: [128_256, 4096] }]
 */
export function groupSums(model: Architecture): ReadonlyMap<Group, readonly ShapeCount[]> {
  const groups = new Map<Group, Map<string, { count: number; readonly shape: readonly number[] }>>();
  forEachTensor(model, (tensor, layers, stack) => {
    const group = groupOf(stack, tensor);
    if (tensor.buffer === true && group !== "mtp") return;
    const shapes = groups.get(group) ?? new Map();
    groups.set(group, shapes);
    const key = tensor.shape.join("x");
    const known = shapes.get(key) ?? { count: 0, shape: tensor.shape };
    known.count += layers * tensor.copies;
    shapes.set(key, known);
  });
  return new Map([...groups].map(([group, shapes]) => [group, [...shapes.values()]]));
}
