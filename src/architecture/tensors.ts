/** Builders of named tensors for the blocks that families share. */
import type { Group, Role, Split, Tensor, TensorKind } from "./model.ts";

interface TensorSpec {
  readonly name: string;
  readonly role: Role;
  readonly kind: TensorKind;
  readonly group: Group;
  readonly shape: readonly number[];
  readonly copies?: number;
  readonly activeCopies?: number;
  readonly split?: Split;
  readonly buffer?: true;
  readonly pinnedFormat?: string;
}

/** A tensor with the usual defaults: one copy, replicated over tensor-parallel ranks. */
export function tensor(spec: TensorSpec): Tensor {
  const copies = spec.copies ?? 1;
  return { split: "replicated", ...spec, copies, activeCopies: spec.activeCopies ?? copies };
}

/** One plain tensor. A model has hundreds: written out, because spreading a spec takes five times as long. */
function one(
  name: string,
  role: Role,
  kind: TensorKind,
  group: Group,
  shape: readonly number[],
  split: Split = "replicated",
): Tensor {
  return { split, name, role, kind, group, shape, copies: 1, activeCopies: 1 };
}

/** Module path of `part` inside `module`; the layer itself when the module is "". */
export function within(module: string, part: string): string {
  return module === "" ? part : `${module}.${part}`;
}

export interface LinearSpec {
  /** Module name without ".weight". */
  readonly name: string;
  readonly role: Role;
  readonly group: Group;
  readonly outDim: number;
  readonly inDim: number;
  readonly bias?: boolean;
  readonly split?: Split;
}

/** Weight [out, in] and, with `bias`, bias [out]. A row-parallel bias is held whole by every rank. */
export function linear(spec: LinearSpec): Tensor[] {
  const { name, role, group, outDim, inDim, split = "replicated" } = spec;
  const weight = one(`${name}.weight`, role, "linear", group, [outDim, inDim], split);
  if (spec.bias !== true) return [weight];
  const biasSplit = split === "row" ? "replicated" : split;
  return [weight, one(`${name}.bias`, role, "bias", group, [outDim], biasSplit)];
}

/** Norm weight [dim] and, for a biased LayerNorm, bias [dim]. */
export function norm(name: string, dim: number, bias: "bias" | "no-bias" = "no-bias"): Tensor[] {
  const weight = one(`${name}.weight`, "norm", "norm", "norms", [dim]);
  return bias === "no-bias" ? [weight] : [weight, one(`${name}.bias`, "norm", "bias", "norms", [dim])];
}

/** The token embedding [rows, dim], its rows divided over tensor-parallel ranks. */
export function embedding(name: string, rows: number, dim: number): Tensor {
  return one(`${name}.weight`, "embedding", "embedding", "embedding", [rows, dim], "vocab");
}

/** A table of positions [rows, dim], whole on every rank. */
export function positionEmbedding(name: string, rows: number, dim: number): Tensor {
  return one(`${name}.weight`, "position-embedding", "embedding", "positions", [rows, dim]);
}

/** A head [rows, dim] over the vocabulary, divided like it. */
export function head(name: string, rows: number, dim: number, bias = false): Tensor[] {
  return linear({ name, role: "head", group: "lm-head", outDim: rows, inDim: dim, split: "vocab", bias });
}

/** A linear that is neither attention's nor an MLP's: weight [out, in] and, unless told otherwise, bias [out]. */
export function otherLinear(name: string, outDim: number, inDim: number, bias = true): Tensor[] {
  return linear({ name, role: "other", group: "other", outDim, inDim, bias });
}

/** Weight [out, in / groups, kernel...] and, with `bias`, bias [out]. */
export function convolution(spec: {
  readonly name: string;
  readonly group: Group;
  readonly shape: readonly number[];
  readonly bias?: boolean;
  readonly split?: Split;
}): Tensor[] {
  const { name, group, shape, split = "replicated" } = spec;
  const weight = one(`${name}.weight`, "other", "conv", group, shape, split);
  if (spec.bias !== true) return [weight];
  return [weight, one(`${name}.bias`, "other", "bias", group, [shape[0]!], split)];
}

/** A bare parameter: A_log, class token, gate scalars. */
export function vector(name: string, group: Group, shape: readonly number[], split?: Split): Tensor {
  return one(name, "other", "vector", group, shape, split);
}

/** What the class registers as a persistent buffer: in the file, not a parameter. */
export function buffer(name: string, group: Group, shape: readonly number[]): Tensor {
  return tensor({ name, role: "other", kind: "vector", group, shape, buffer: true });
}

/** The bias [experts] that balances routing without a loss: held by checkpoints in fp32, trained by no optimizer. */
export function routerBalance(name: string, experts: number): Tensor {
  return tensor({
    name,
    role: "router",
    kind: "bias",
    group: "router",
    shape: [experts],
    buffer: true,
    pinnedFormat: "fp32",
  });
}
