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
  const weight = tensor({
    name: `${name}.weight`,
    role,
    kind: "linear",
    group,
    shape: [outDim, inDim],
    split,
  });
  if (spec.bias !== true) return [weight];
  const biasSplit = split === "row" ? "replicated" : split;
  return [
    weight,
    tensor({ name: `${name}.bias`, role, kind: "bias", group, shape: [outDim], split: biasSplit }),
  ];
}

/** Norm weight [dim] and, for a biased LayerNorm, bias [dim]. */
export function norm(name: string, dim: number, bias: "bias" | "no-bias" = "no-bias"): Tensor[] {
  const weight = tensor({ name: `${name}.weight`, role: "norm", kind: "norm", group: "norms", shape: [dim] });
  return bias === "no-bias"
    ? [weight]
    : [weight, tensor({ name: `${name}.bias`, role: "norm", kind: "bias", group: "norms", shape: [dim] })];
}

export function embedding(name: string, rows: number, dim: number): Tensor {
  return tensor({
    name: `${name}.weight`,
    role: "embedding",
    kind: "embedding",
    group: "embedding",
    shape: [rows, dim],
    split: "vocab",
  });
}

export function positionEmbedding(name: string, rows: number, dim: number): Tensor {
  return tensor({
    name: `${name}.weight`,
    role: "position-embedding",
    kind: "embedding",
    group: "positions",
    shape: [rows, dim],
  });
}

export function head(name: string, rows: number, dim: number, bias = false): Tensor[] {
  return linear({ name, role: "head", group: "lm-head", outDim: rows, inDim: dim, split: "vocab", bias });
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
  const weight = tensor({ name: `${name}.weight`, role: "other", kind: "conv", group, shape, split });
  if (spec.bias !== true) return [weight];
  return [
    weight,
    tensor({ name: `${name}.bias`, role: "other", kind: "bias", group, shape: [shape[0]!], split }),
  ];
}

/** A bare parameter: A_log, class token, gate scalars. */
export function vector(name: string, group: Group, shape: readonly number[], split?: Split): Tensor {
  return tensor({
    name,
    role: "other",
    kind: "vector",
    group,
    shape,
    ...(split === undefined ? {} : { split }),
  });
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

export interface AttentionSpec {
  /** Module path: "self_attn". */
  readonly name: string;
  readonly hiddenSize: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly keyDim: number;
  readonly valueDim?: number;
  /** Which projections carry a bias; `k` where it differs from q and v (Whisper). */
  readonly bias?: { readonly qkv?: boolean; readonly k?: boolean; readonly o?: boolean };
  /** q_proj also makes an output gate of the same width, interleaved by head (Qwen3-Next). */
  readonly gatedQuery?: boolean;
  /** Width that o_proj writes when it is not the width that q, k and v read (Zamba2). */
  readonly outputSize?: number;
  /** Names of q, k, v, o (or fused qkv, o) modules. */
  readonly names?: readonly [string, string, string, string];
  /** Fused projection name; then q, k and v are one tensor. */
  readonly fused?: string;
  readonly outName?: string;
  /** Norms on queries and keys: over one head, or over the whole projection. */
  readonly qkNorm?: "head" | "projection";
  /** Names of those norms. */
  readonly qkNormNames?: readonly [string, string];
  /** Those norms are LayerNorms with a bias. */
  readonly qkNormBias?: boolean;
}

/**
 * q [heads*keyDim, h], k [kvHeads*keyDim, h], v [kvHeads*valueDim, h], o [h, heads*valueDim], with biases
 * and q/k norms as asked.
 */
export function attention(spec: AttentionSpec): Tensor[] {
  const { hiddenSize, heads, kvHeads, keyDim, valueDim = keyDim, bias = {} } = spec;
  const [q, k, v, o] = spec.names ?? ["q_proj", "k_proj", "v_proj", spec.outName ?? "o_proj"];
  const at = (name: string): string => within(spec.name, name);
  const projection = (
    name: string,
    role: Role,
    outDim: number,
    split: Split,
    biased = bias.qkv === true,
  ): Tensor[] =>
    linear({ name: at(name), role, group: "attention", outDim, inDim: hiddenSize, split, bias: biased });
  const queryRows = heads * keyDim * (spec.gatedQuery === true ? 2 : 1);
  const qkvRows = queryRows + kvHeads * (keyDim + valueDim);
  const inputs =
    spec.fused === undefined
      ? [
          ...projection(q, "attn-q", queryRows, "heads"),
          ...projection(k, "attn-k", kvHeads * keyDim, "kv-heads", bias.k ?? bias.qkv === true),
          ...projection(v, "attn-v", kvHeads * valueDim, "kv-heads"),
        ]
      : projection(spec.fused, "attn-qkv", qkvRows, "qkv");
  const output = linear({
    name: at(o),
    role: "attn-o",
    group: "attention",
    outDim: spec.outputSize ?? hiddenSize,
    inDim: heads * valueDim,
    split: "row",
    bias: bias.o === true,
  });
  const normBias = spec.qkNormBias === true ? "bias" : "no-bias";
  const [qNorm, kNorm] = spec.qkNormNames ?? ["q_norm", "k_norm"];
  const norms =
    spec.qkNorm === undefined
      ? []
      : spec.qkNorm === "head"
        ? [...norm(at(qNorm), keyDim, normBias), ...norm(at(kNorm), keyDim, normBias)]
        : [...norm(at(qNorm), heads * keyDim, normBias), ...norm(at(kNorm), kvHeads * keyDim, normBias)];
  return [...inputs, ...output, ...norms];
}

export interface MlpSpec {
  readonly name: string;
  readonly hiddenSize: number;
  readonly width: number;
  readonly group?: Group;
  readonly bias?: boolean;
  /** Names of gate, up, down. */
  readonly names?: readonly [string, string, string];
  /** Name of one [2*width, h] gate-and-up projection. */
  readonly fused?: string;
}

/** gate [f, h], up [f, h] (or fused [2f, h]) and down [h, f]: 3*h*f weights. */
export function gatedMlp(spec: MlpSpec): Tensor[] {
  const { hiddenSize, width, group = "mlp", bias = false } = spec;
  const [gate, up, down] = spec.names ?? ["gate_proj", "up_proj", "down_proj"];
  const into = (name: string, role: Role, outDim: number): Tensor[] =>
    linear({ name: within(spec.name, name), role, group, outDim, inDim: hiddenSize, split: "column", bias });
  return [
    ...(spec.fused === undefined
      ? [...into(gate, "mlp-gate", width), ...into(up, "mlp-up", width)]
      : into(spec.fused, "mlp-gate-up", 2 * width)),
    ...linear({
      name: within(spec.name, down),
      role: "mlp-down",
      group,
      outDim: hiddenSize,
      inDim: width,
      split: "row",
      bias,
    }),
  ];
}

/** up [f, h] and down [h, f]: 2*h*f weights. */
export function plainMlp(
  spec: Omit<MlpSpec, "names" | "fused"> & { readonly names?: readonly [string, string] },
): Tensor[] {
  const { hiddenSize, width, group = "mlp", bias = false } = spec;
  const [up, down] = spec.names ?? ["up_proj", "down_proj"];
  return [
    ...linear({
      name: within(spec.name, up),
      role: "mlp-up",
      group,
      outDim: width,
      inDim: hiddenSize,
      split: "column",
      bias,
    }),
    ...linear({
      name: within(spec.name, down),
      role: "mlp-down",
      group,
      outDim: hiddenSize,
      inDim: width,
      split: "row",
      bias,
    }),
  ];
}

export interface ExpertsSpec {
  /** Module path of the expert list: "mlp.experts". */
  readonly name: string;
  readonly hiddenSize: number;
  readonly width: number;
  readonly experts: number;
  readonly activeExperts: number;
  readonly gated?: boolean;
  readonly bias?: boolean;
  readonly names?: readonly [string, string, string];
  /** Module path of the router; absent when the family writes it itself. */
  readonly router?: string;
  readonly routerBias?: boolean;
  /** Width that the router reads when the experts work on a narrower latent. */
  readonly routerSize?: number;
}

/** `experts` copies of gate [f, h], up [f, h], down [h, f], and a router [experts, h]. */
export function experts(spec: ExpertsSpec): Tensor[] {
  const { hiddenSize, width, gated = true } = spec;
  const [gate, up, down] = spec.names ?? ["gate_proj", "up_proj", "down_proj"];
  const copies = { copies: spec.experts, activeCopies: spec.activeExperts } as const;
  const one = (name: string, role: Role, shape: readonly [number, number], split: Split): Tensor[] => {
    const at = `${spec.name}.${name}`;
    const weight = tensor({
      name: `${at}.weight`,
      role,
      kind: "expert",
      group: "experts",
      shape,
      split,
      ...copies,
    });
    if (spec.bias !== true) return [weight];
    const biasSplit = split === "row" ? "replicated" : split;
    return [
      weight,
      tensor({
        name: `${at}.bias`,
        role,
        kind: "bias",
        group: "experts",
        shape: [shape[0]],
        split: biasSplit,
        ...copies,
      }),
    ];
  };
  return [
    ...(spec.router === undefined
      ? []
      : linear({
          name: spec.router,
          role: "router",
          group: "router",
          outDim: spec.experts,
          inDim: spec.routerSize ?? hiddenSize,
          bias: spec.routerBias === true,
        })),
    ...(gated ? one(gate, "mlp-gate", [width, hiddenSize], "column") : []),
    ...one(up, "mlp-up", [width, hiddenSize], "column"),
    ...one(down, "mlp-down", [hiddenSize, width], "row"),
  ];
}
