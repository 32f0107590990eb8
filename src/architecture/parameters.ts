import { VramCalcError } from "../errors.ts";
import {
  type Architecture,
  type ArchitectureDraft,
  GROUPS,
  type Group,
  type ParameterTotals,
  type Stack,
  type Tensor,
} from "./model.ts";

/**
 * Elements of one tensor of that shape: the product of its sizes.
 *
 * @example elementsOf([4096, 1024]) // 4194304
 */
export function elementsOf(shape: readonly number[]): number {
  let elements = 1;
  for (const size of shape) elements *= size;
  return elements;
}

/** Elements of one copy of a tensor. */
export const tensorElements = (tensor: Tensor): number => elementsOf(tensor.shape);

/** Group that a tensor counts under: a tower's tensors all belong to the tower. */
export function groupOf(stack: Stack | null, tensor: Tensor): Group {
  switch (stack?.role) {
    case "vision":
    case "audio":
    case "mtp":
      return stack.role;
    case "encoder":
    case "decoder":
    case undefined:
      return tensor.group;
  }
}

/** Calls `visit` once per distinct tensor with the number of layers that hold one; null is outside the layers. */
export function forEachTensor(
  model: Pick<ArchitectureDraft, "stacks" | "tensors">,
  visit: (tensor: Tensor, layers: number, stack: Stack | null) => void,
): void {
  for (const tensor of model.tensors) visit(tensor, 1, null);
  for (const stack of model.stacks) {
    for (let k = 0; k < stack.kinds.length; k++) {
      const layers = stack.counts[k]!;
      for (const tensor of stack.kinds[k]!.tensors) visit(tensor, layers, stack);
    }
  }
}

/**
 * Sums the parameters of a model over its tensors.
 *
 *     total = sum over tensors of layers * copies * product(shape)
 *
 * @example countParameters(llama_3_1_8b).total // 8_030_261_248
 */
export function countParameters(model: Pick<ArchitectureDraft, "stacks" | "tensors">): ParameterTotals {
  const groups = Object.fromEntries(GROUPS.map((g) => [g, 0])) as Record<Group, number>;
  let total = 0;
  let active = 0;
  let buffers = 0;
  let mtp = 0;
  forEachTensor(model, (tensor, layers, stack) => {
    const one = layers * tensorElements(tensor);
    const all = one * tensor.copies;
    const group = groupOf(stack, tensor);
    if (group === "mtp") {
      mtp += all;
      groups.mtp += all;
    } else if (tensor.buffer === true) {
      buffers += all;
    } else {
      total += all;
      active += one * tensor.activeCopies;
      groups[group] += all;
    }
  });
  return { total, active, stored: total + buffers, mtp, groups };
}

/** A recurrent state larger than any model's parameters comes from no real config. */
function hasImpossibleState(model: Pick<ArchitectureDraft, "stacks">): boolean {
  return model.stacks.some((stack) =>
    stack.kinds.some(({ mixers }) =>
      mixers.some((mixer) => mixer.kind === "recurrent" && mixer.stateElements > 2 ** 40),
    ),
  );
}

/**
 * Completes a family's draft with its sums.
 *
 * @throws bad-config when the sizes multiply to more than 2^53 - 1 parameters, or one layer's recurrent
 * state to more than 2^40 elements.
 */
export function finishArchitecture(draft: ArchitectureDraft, file: string, dtype?: string): Architecture {
  const parameters = countParameters(draft);
  const tooMany = !(parameters.stored + parameters.mtp <= Number.MAX_SAFE_INTEGER);
  if (tooMany || hasImpossibleState(draft)) {
    throw new VramCalcError("bad-config", {
      file,
      key: "hidden_size",
      found: tooMany
        ? "part of a model of more than 2^53 parameters"
        : "part of a layer whose recurrent state has more than 2^40 elements",
      expected: "sizes of a real model",
    });
  }
  return dtype === undefined ? { ...draft, parameters } : { ...draft, dtype, parameters };
}
