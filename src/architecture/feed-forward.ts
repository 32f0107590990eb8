/** Dense feed-forwards: gate, up and down, or up and down. */
import type { ConfigReader } from "./config-reader.ts";
import { WIDTH_KEYS } from "./decoder-sizes.ts";
import { activationOf } from "./family.ts";
import type { FeedForward, Group, Role, Tensor } from "./model.ts";
import { linear, within } from "./tensors.ts";

/** What one layer's feed-forward is and holds. */
export interface FeedForwardParts {
  readonly feedForward: FeedForward;
  readonly tensors: readonly Tensor[];
}

interface MlpShape<Names> {
  readonly name: string;
  readonly hiddenSize: number;
  readonly width: number;
  readonly group?: Group;
  readonly bias?: boolean | undefined;
  readonly names?: Names | undefined;
}

export interface MlpSpec extends MlpShape<readonly [gate: string, up: string, down: string]> {
  /** Name of one [2*width, h] gate-and-up projection. */
  readonly fused?: string | undefined;
}

function mlpLinears(spec: MlpShape<unknown>) {
  const { name, hiddenSize, width, group = "mlp", bias = false } = spec;
  const at = (part: string) => ({ name: within(name, part), group, bias });
  return {
    into: (part: string, role: Role, outDim = width): Tensor[] =>
      linear({ ...at(part), role, outDim, inDim: hiddenSize, split: "column" }),
    outOf: (part: string): Tensor[] =>
      linear({ ...at(part), role: "mlp-down", outDim: hiddenSize, inDim: width, split: "row" }),
  };
}

/** gate [f, h], up [f, h] (or fused [2f, h]) and down [h, f]: 3*h*f weights. */
export function gatedMlp(spec: MlpSpec): Tensor[] {
  const [gate, up, down] = spec.names ?? ["gate_proj", "up_proj", "down_proj"];
  const { into, outOf } = mlpLinears(spec);
  return [
    ...(spec.fused === undefined
      ? [...into(gate, "mlp-gate"), ...into(up, "mlp-up")]
      : into(spec.fused, "mlp-gate-up", 2 * spec.width)),
    ...outOf(down),
  ];
}

/** up [f, h] and down [h, f]: 2*h*f weights. */
export function plainMlp(spec: MlpShape<readonly [up: string, down: string]>): Tensor[] {
  const [up, down] = spec.names ?? ["up_proj", "down_proj"];
  const { into, outOf } = mlpLinears(spec);
  return [...into(up, "mlp-up"), ...outOf(down)];
}

/** What a dense feed-forward has besides its config: a width of its own, biases, names. */
type DenseOptions<Spec extends MlpShape<unknown>> = {
  readonly [K in Exclude<keyof Spec, "hiddenSize" | "group">]?: Spec[K] | undefined;
} & {
  /** Activation when the config names none. */
  readonly activation?: string | undefined;
};

function dense(config: ConfigReader, gated: boolean, width: number, activation: string): FeedForward {
  return { kind: "dense", width, gated, activation: activationOf(config, activation) };
}

/** SwiGLU/GeGLU of width intermediate_size (or `width`): 3*h*f. */
export function gatedFeedForward(
  config: ConfigReader,
  hiddenSize: number,
  options: DenseOptions<MlpSpec> = {},
): FeedForwardParts {
  const { name = "mlp", width = config.int(WIDTH_KEYS), activation = "silu", ...rest } = options;
  return {
    feedForward: dense(config, true, width, activation),
    tensors: gatedMlp({ ...rest, name, hiddenSize, width }),
  };
}

/** up and down around an activation, of width intermediate_size (or `width`): 2*h*f. */
export function plainFeedForward(
  config: ConfigReader,
  hiddenSize: number,
  options: DenseOptions<MlpShape<readonly [up: string, down: string]>> = {},
): FeedForwardParts {
  const { name = "mlp", width = config.int(WIDTH_KEYS), activation = "gelu", ...rest } = options;
  return {
    feedForward: dense(config, false, width, activation),
    tensors: plainMlp({ ...rest, name, hiddenSize, width }),
  };
}
