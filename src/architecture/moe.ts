/** The mixture-of-experts feed-forward that families share: router, routed experts, shared experts. */
import type { ConfigReader, Keys } from "./config-reader.ts";
import type { FeedForwardParts } from "./decoder.ts";
import { activationOf } from "./family.ts";
import type { Tensor } from "./model.ts";
import { experts, gatedMlp, linear, routerBalance } from "./tensors.ts";

export const EXPERT_KEYS = [
  "num_experts",
  "num_local_experts",
  "n_routed_experts",
  "moe_num_experts",
] as const;
export const ACTIVE_KEYS = ["num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_k"] as const;

export interface ExpertCounts {
  readonly count: number;
  readonly active: number;
}

/**
 * Experts held and experts chosen per token.
 *
 * @throws bad-config when more are chosen than held.
 */
export function readExperts(
  config: ConfigReader,
  defaults: { readonly count?: number; readonly active?: number } = {},
  keys: { readonly count?: Keys; readonly active?: Keys } = {},
): ExpertCounts {
  const activeKeys = keys.active ?? ACTIVE_KEYS;
  const count = config.int(keys.count ?? EXPERT_KEYS, defaults.count);
  const active = config.int(activeKeys, defaults.active);
  if (active > count) {
    const names = typeof activeKeys === "string" ? [activeKeys] : activeKeys;
    config.fail(names.find((name) => config.has(name)) ?? names[0]!, `at most the ${count} experts`);
  }
  return { count, active };
}

export interface MoeSpec {
  readonly config: ConfigReader;
  readonly hiddenSize: number;
  readonly experts: ExpertCounts;
  /** Width of one routed expert. */
  readonly width: number;
  /** Module path of the block: "mlp". */
  readonly name?: string;
  /** Module path of the router inside the block. */
  readonly router?: string;
  readonly routerBias?: boolean;
  /**
   * One bias per expert that corrects the choice: `buffer` where the class registers it as one,
   * `parameter` where it counts.
   */
  readonly choiceBias?: "buffer" | "parameter";
  readonly choiceBiasName?: string;
  /** Names of gate, up and down inside an expert. */
  readonly expertNames?: readonly [string, string, string];
  readonly expertBias?: boolean;
  /** Shared experts as one gated MLP of this width together. */
  readonly shared?: {
    readonly width: number;
    readonly name: string;
    readonly bias?: boolean;
    readonly fused?: string;
    readonly names?: readonly [string, string, string];
    /** Name of a [1, h] gate on the shared output (Qwen2-MoE). */
    readonly gate?: string;
  };
  readonly activation?: string;
}

/**
 * Router [E, h], E experts of 3*h*mf (+ biases), and a shared MLP of 3*h*ms.
 *
 * @example Qwen3-30B-A3B: 128*2048 + 128 * 3*2048*768 = 262,144 + 603,979,776 per layer
 */
export function moe(spec: MoeSpec): FeedForwardParts {
  const { config, hiddenSize, width, shared, name = "mlp" } = spec;
  const { count, active } = spec.experts;
  const at = (module: string): string => (name === "" ? module : `${name}.${module}`);
  const tensors: Tensor[] = experts({
    name: at("experts"),
    router: at(spec.router ?? "gate"),
    routerBias: spec.routerBias ?? false,
    hiddenSize,
    width,
    experts: count,
    activeExperts: active,
    bias: spec.expertBias ?? false,
    ...(spec.expertNames === undefined ? {} : { names: spec.expertNames }),
  });
  if (spec.choiceBias !== undefined) {
    const { buffer, ...balance } = routerBalance(
      at(spec.choiceBiasName ?? "gate.e_score_correction_bias"),
      count,
    );
    tensors.push(spec.choiceBias === "buffer" ? { ...balance, buffer: buffer! } : balance);
  }
  if (shared !== undefined && shared.width > 0) {
    tensors.push(
      ...gatedMlp({
        name: at(shared.name),
        hiddenSize,
        width: shared.width,
        group: "shared-experts",
        bias: shared.bias ?? false,
        ...(shared.fused === undefined ? {} : { fused: shared.fused }),
        ...(shared.names === undefined ? {} : { names: shared.names }),
      }),
    );
    if (shared.gate !== undefined)
      tensors.push(
        ...linear({ name: at(shared.gate), role: "router", group: "router", outDim: 1, inDim: hiddenSize }),
      );
  }
  return {
    feedForward: {
      kind: "experts",
      experts: count,
      activeExperts: active,
      width,
      gated: true,
      activation: activationOf(config, spec.activation ?? "silu"),
      sharedWidth: shared?.width ?? 0,
    },
    tensors,
  };
}

/** True for layers with experts. */
export type Sparse = (layer: number) => boolean;

/** Layer i has experts unless `mlp_only_layers` lists it or (i + 1) is off the `decoder_sparse_step`. */
export function stepSparse(config: ConfigReader): Sparse {
  const step = config.int("decoder_sparse_step", 1);
  const dense = new Set(config.ints("mlp_only_layers"));
  return (layer) => !dense.has(layer) && (layer + 1) % step === 0;
}

/**
 * `mlp_layer_types` when listed, else `moe_layer_freq` (a 0/1 list, or every n-th layer), counted from
 * `first_k_dense_replace` on.
 */
export function firstDenseSparse(
  config: ConfigReader,
  layers: number,
  defaults: { readonly firstDense: number },
): Sparse {
  const types = config.texts("mlp_layer_types");
  if (types !== undefined) {
    const at = types.slice(0, layers).findIndex((type) => type !== "sparse" && type !== "dense");
    if (types.length < layers || at !== -1)
      config.fail("mlp_layer_types", `a list of ${layers} entries, each dense or sparse`);
    return (layer) => types[layer] === "sparse";
  }
  const first = config.count("first_k_dense_replace", defaults.firstDense);
  if (Array.isArray(config.raw.moe_layer_freq)) {
    const listed = config.ints("moe_layer_freq");
    if (listed === undefined || listed.length < layers)
      config.fail("moe_layer_freq", `a number, or a list of ${layers} zeros and ones`);
    return (layer) => listed[layer] !== 0;
  }
  const every = config.int("moe_layer_freq", 1);
  return (layer) => layer >= first && layer % every === 0;
}
