/** Which layers of a class hold experts, and how a row states both. */
import type { ConfigReader, Keys } from "./config-reader.ts";
import { type Option, readOption } from "./decoder-row.ts";
import type { DecoderSizes } from "./decoder-sizes.ts";
import { type ExpertDefaults, readExperts } from "./expert-counts.ts";
import type { FeedForwardParts } from "./feed-forward.ts";
import type { Tensor } from "./model.ts";
import { type MoeSpec, moe } from "./moe.ts";

/** True for layers with experts. */
export type Sparse = (layer: number) => boolean;

/** Which layers hold experts, and what such a layer's feed-forward is. */
export interface ExpertsRule {
  readonly sparse: Sparse;
  /** Distinguishes expert layers of different sizes; absent when all are equal. */
  readonly keyOf?: (layer: number) => string;
  readonly build: (layer: number) => FeedForwardParts;
  /** Width of the dense layers when it is not intermediate_size. */
  readonly denseWidth?: number;
}

/** The same experts with more tensors in each layer that holds them. */
export const expertsBeside = (rule: ExpertsRule, more: readonly Tensor[]): ExpertsRule => ({
  ...rule,
  build: (layer) => {
    const block = rule.build(layer);
    return { ...block, tensors: [...block.tensors, ...more] };
  },
});

/** A size by its keys, with what the class assumes when none is there. */
type Sized = readonly [keys: Keys, otherwise?: number];

/** The experts of a class as facts. */
export interface ExpertsRow
  extends ExpertDefaults,
    Omit<MoeSpec, "config" | "hiddenSize" | "experts" | "width" | "shared"> {
  /** Keys of the counts when they are not among the usual ones. */
  readonly keys?: { readonly count?: Keys; readonly active?: Keys };
  /** Width of one expert: the class default of moe_intermediate_size, or the key that says it. */
  readonly width: number | string;
  /** Which layers are sparse; all of them when absent. */
  readonly sparse?: (config: ConfigReader, layers: number) => Sparse;
  /** All but the first layers, as `firstDenseSparse` reads them. */
  readonly firstDense?: number;
  /** Shared experts as one MLP: `count` times the width of one expert, or of a width of their own. */
  readonly shared?: Omit<NonNullable<MoeSpec["shared"]>, "name" | "width" | "bias"> & {
    /** Module path; "shared_experts" when absent. */
    readonly name?: string;
    readonly bias?: Option;
  } & ({ readonly count: Sized } | { readonly width: Sized });
}

/** The rule that a row describes. */
export function expertsOf(row: ExpertsRow) {
  const { keys, width: stated, sparse, firstDense, shared } = row;
  return (config: ConfigReader, { hiddenSize, layers }: DecoderSizes): ExpertsRule => {
    const width =
      typeof stated === "number" ? config.int("moe_intermediate_size", stated) : config.int(stated);
    return {
      sparse:
        sparse?.(config, layers) ??
        (firstDense === undefined ? () => true : firstDenseSparse(config, layers, { firstDense })),
      build: () =>
        moe({
          ...row,
          config,
          hiddenSize,
          width,
          experts: readExperts(config, row, keys),
          shared: shared === undefined ? undefined : sharedOf(config, shared, width),
        }),
    };
  };
}

function sharedOf(
  config: ConfigReader,
  { bias, ...row }: NonNullable<ExpertsRow["shared"]>,
  one: number,
): NonNullable<MoeSpec["shared"]> {
  const width = "count" in row ? one * config.count(...row.count) : config.count(...row.width);
  return { name: "shared_experts", ...row, width, bias: readOption(config, bias) };
}

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
