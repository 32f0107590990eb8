import type { ConfigReader } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import { gatedMlp, plainMlp } from "../feed-forward.ts";
import { type SelfAttentionSpec, selfAttention } from "../mixers/self-attention.ts";
import type { Activation, Group, LayerKind, NormKind, Stack, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { convolution, norm } from "../tensors.ts";

/** A vision or audio encoder: its layers and what it holds outside them. */
export interface Tower {
  readonly stacks: readonly Stack[];
  readonly tensors: readonly Tensor[];
}

/** The same tensors counted under `group`: a tower's patch embedding and norms belong to the tower. */
export function inGroup(group: Group, tensors: readonly Tensor[]): Tensor[] {
  return tensors.map((tensor) => ({ ...tensor, group }));
}

export interface EncoderLayerSpec {
  readonly hiddenSize: number;
  readonly heads: number;
  /** Head size when it is not hidden / heads. */
  readonly headDim?: number;
  readonly kvHeads?: number;
  readonly attention: Pick<
    SelfAttentionSpec,
    "name" | "names" | "fused" | "outName" | "bias" | "qkNorm" | "qkNormNames" | "windowTokens"
  >;
  readonly mlp: {
    readonly name: string;
    readonly width: number;
    readonly activation: Activation;
    readonly bias?: boolean;
    /** gate, up and down; absent means up and down only. */
    readonly gated?: readonly [gate: string, up: string, down: string];
    readonly fused?: string;
    readonly plain?: readonly [up: string, down: string];
  };
  readonly norm: Exclude<NormKind, "none">;
  readonly norms: readonly string[];
  readonly extras?: readonly Tensor[];
}

/** One bidirectional layer: attention without a cache, an MLP, and norms of the hidden width. */
export function encoderLayer(spec: EncoderLayerSpec): LayerKind {
  const { hiddenSize, heads, kvHeads = heads, headDim = hiddenSize / heads, mlp } = spec;
  const mixer = selfAttention({
    ...spec.attention,
    hiddenSize,
    heads,
    kvHeads,
    keyDim: headDim,
    cache: "none",
  });
  const { name, width, bias = false, activation } = mlp;
  const gated = mlp.gated !== undefined || mlp.fused !== undefined;
  return {
    mixers: mixer.mixers,
    feedForward: { kind: "dense", width, gated, activation },
    tensors: [
      ...mixer.tensors,
      ...(gated
        ? gatedMlp({
            name,
            hiddenSize,
            width,
            bias,
            ...(mlp.gated === undefined ? {} : { names: mlp.gated }),
            ...(mlp.fused === undefined ? {} : { fused: mlp.fused }),
          })
        : plainMlp({
            name,
            hiddenSize,
            width,
            bias,
            ...(mlp.plain === undefined ? {} : { names: mlp.plain }),
          })),
      ...spec.norms.flatMap((each) => norm(each, hiddenSize, spec.norm === "layer" ? "bias" : "no-bias")),
      ...(spec.extras ?? []),
    ],
  };
}

interface TowerPlace {
  readonly role: "vision" | "audio";
  /** Path of the layer list. */
  readonly prefix: string;
  readonly layers: number;
  /** Patch or frame embedding, positions, norms and mergers: everything outside the layers. */
  readonly outside: readonly Tensor[];
}

/** A tower of equal layers: they and what stands outside them count under its role. */
export function towerOf(
  spec: TowerPlace & { readonly hiddenSize: number; readonly layer: LayerKind },
): Tower {
  const { role, prefix, hiddenSize, layers, layer, outside } = spec;
  return {
    stacks: [stackOf({ role, prefix, hiddenSize, layers, build: () => layer })],
    tensors: inGroup(role, outside),
  };
}

/** A tower whose layers are `encoderLayer`s. */
export const encoderTower = (spec: TowerPlace & EncoderLayerSpec): Tower =>
  towerOf({ ...spec, layer: encoderLayer(spec) });

/** The usual MLP of a tower: fc1 and fc2 of `intermediate_size` with biases. */
export const fcMlp = (
  config: ConfigReader,
  activation = "gelu",
  width = config.int("intermediate_size"),
): EncoderLayerSpec["mlp"] => ({
  name: "mlp",
  width,
  activation: activationOf(config, activation),
  bias: true,
  plain: ["fc1", "fc2"],
});

/** The gated one: gate_proj, up_proj and down_proj of `intermediate_size`. */
export const gateUpDownMlp = (
  config: ConfigReader,
  activation: string,
  bias = false,
  width = config.int("intermediate_size"),
): EncoderLayerSpec["mlp"] => ({
  name: "mlp",
  width,
  activation: activationOf(config, activation),
  bias,
  gated: ["gate_proj", "up_proj", "down_proj"],
});

/** The towers of the Qwen-VL line and its like: `depth` blocks with q, k and v in one matrix between norm1 and norm2. */
export const blockTower = (
  config: ConfigReader,
  prefix: string,
  spec: Omit<TowerPlace, "role" | "prefix" | "layers"> &
    Omit<EncoderLayerSpec, "attention" | "norms"> & {
      readonly attention?: Partial<EncoderLayerSpec["attention"]>;
    },
): Tower =>
  encoderTower({
    ...spec,
    role: "vision",
    prefix: `${prefix}.blocks`,
    layers: config.layers("depth"),
    attention: {
      name: "attn",
      fused: "qkv",
      outName: "proj",
      bias: { qkv: true, o: true },
      ...spec.attention,
    },
    norms: ["norm1", "norm2"],
  });

/** The convolution that turns patches into vectors: [h, channels, p, p] and, unless `bias` is false, h. */
export function imagePatches(
  config: ConfigReader,
  name: string,
  hiddenSize: number,
  { bias = true }: { readonly bias?: boolean } = {},
): Tensor[] {
  const shape = [hiddenSize, config.int("num_channels", 3), ...squareSize(config, "patch_size")];
  return convolution({ name, group: "vision", shape, bias });
}

/**
 * Hidden size and heads of an encoder.
 *
 * @throws bad-config when the heads do not divide it.
 */
export function readEncoderHeads(
  config: ConfigReader,
  hiddenKeys: readonly string[],
  headKeys: readonly string[],
): { readonly hiddenSize: number; readonly heads: number } {
  const hiddenSize = config.int(hiddenKeys);
  const heads = config.int(headKeys);
  if (hiddenSize % heads !== 0) config.fail(headKeys[0]!, `a divisor of the hidden size ${hiddenSize}`);
  return { hiddenSize, heads };
}

/** A size that files state as one number or as [height, width]. */
export function squareSize(config: ConfigReader, key: string): readonly [height: number, width: number] {
  if (!Array.isArray(config.raw[key])) {
    const side = config.int(key);
    return [side, side];
  }
  const [height, width, ...rest] = config.ints(key) ?? [];
  if (height === undefined || width === undefined || height < 1 || width < 1 || rest.length > 0)
    config.fail(key, "a number, or a height and a width");
  return [height, width];
}

/** Patches of an image: floor(height / patch) * floor(width / patch). */
export function patchCount(config: ConfigReader): number {
  const [height, width] = squareSize(config, "image_size");
  const [patchHeight, patchWidth] = squareSize(config, "patch_size");
  return Math.floor(height / patchHeight) * Math.floor(width / patchWidth);
}
