/** The plain vision transformer as a row of facts: DeiT, BEiT, MAE, DINOv2, DINOv3, VideoMAE and their like. */
import { type ConfigReader, withDefaults } from "../config-reader.ts";
import { activationOf } from "../family.ts";
import type { NormKind, Stack, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { convolution, norm, vector } from "../tensors.ts";
import type { TowerBuilder } from "./image-encoders.ts";
import { encoderLayer, inGroup, patchCount, readEncoderHeads, squareSize } from "./tower.ts";

/** How a class names its modules. */
export interface VitNames {
  readonly layers: string;
  readonly attention: readonly [q: string, k: string, v: string, o: string];
  readonly mlp: readonly [up: string, down: string];
  readonly norms: readonly [string, string];
  readonly patches: string;
}

export const VIT_NAMES: VitNames = {
  layers: "encoder.layer",
  attention: ["attention.query", "attention.key", "attention.value", "output.dense"],
  mlp: ["intermediate.dense", "output.dense"],
  norms: ["layernorm_before", "layernorm_after"],
  patches: "embeddings.patch_embeddings.projection",
};
export const DINO_NAMES: VitNames = {
  ...VIT_NAMES,
  mlp: ["mlp.fc1", "mlp.fc2"],
  norms: ["norm1", "norm2"],
};

export interface VitBiases {
  readonly qkv: boolean;
  /** Where it differs from q and v. */
  readonly k?: boolean;
  readonly o: boolean;
}

export interface VitLayout {
  /** Sizes of the class where they are not ViT-B/16's at 224. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  readonly names?: VitNames;
  /** Biases of the projections; `qkv_bias` decides about q, k and v when absent. */
  readonly biases?: (config: ConfigReader) => VitBiases;
  /** Tokens besides the patches that have a position: 1 when absent. */
  readonly classTokens?: (config: ConfigReader) => number;
  /** Learned positions: one for each patch and class token when absent. */
  readonly positions?: (config: ConfigReader, rows: number) => number;
  /** Shape of one patch: [channels, height, width] when absent. */
  readonly patchShape?: (config: ConfigReader) => readonly number[];
  /** The patch embedding has a bias unless this is false. */
  readonly patchBias?: false;
  /** Patches of one input. */
  readonly patches?: (config: ConfigReader) => number;
  /** MLP width; intermediate_size when absent. */
  readonly width?: (config: ConfigReader, hiddenSize: number) => number;
  readonly mlp?: (config: ConfigReader) => { readonly gated?: boolean; readonly bias?: boolean };
  /** A scale per channel behind attention and MLP. */
  readonly scales?: (config: ConfigReader) => readonly string[];
  readonly layerExtras?: (config: ConfigReader) => readonly Tensor[];
  readonly norm?: Exclude<NormKind, "none">;
  /** Norm after the layers: "layernorm" when absent, undefined for none. */
  readonly finalNorm?: (config: ConfigReader) => string | undefined;
  /** Further tensors outside the layers. */
  readonly outside?: (config: ConfigReader, hiddenSize: number, rows: number) => readonly Tensor[];
}

const VIT_B = {
  hidden_size: 768,
  num_hidden_layers: 12,
  num_attention_heads: 12,
  intermediate_size: 3072,
  image_size: 224,
  patch_size: 16,
} as const;

/** The MLP as a factor of the width; SwiGLU keeps two thirds of it, in multiples of 8. */
export function ratioWidth(config: ConfigReader, hiddenSize: number): number {
  const width = Math.floor(hiddenSize * config.number("mlp_ratio", 4));
  if (!(width >= 1 && width <= 2 ** 31)) config.fail("mlp_ratio", "a factor that leaves an MLP");
  if (!config.flag("use_swiglu_ffn", false)) return width;
  return Math.floor((Math.floor((width * 2) / 3) + 7) / 8) * 8;
}

/** The layers alone, from a config that holds every size. */
export function vitLayers(layout: VitLayout, config: ConfigReader, prefix: string): Stack {
  const names = layout.names ?? VIT_NAMES;
  const { hiddenSize, heads } = readEncoderHeads(config, ["hidden_size"], ["num_attention_heads"]);
  const { gated = false, bias = true } = layout.mlp?.(config) ?? {};
  return stackOf({
    role: "vision",
    prefix,
    hiddenSize,
    layers: config.layers("num_hidden_layers"),
    build: () =>
      encoderLayer({
        hiddenSize,
        heads,
        attention: {
          name: "attention",
          names: names.attention,
          bias: layout.biases?.(config) ?? { qkv: config.flag("qkv_bias", true), o: true },
        },
        mlp: {
          name: gated ? "mlp" : "",
          width: layout.width?.(config, hiddenSize) ?? config.int("intermediate_size"),
          activation: activationOf(config, "gelu"),
          bias,
          ...(gated ? { gated: ["gate_proj", "up_proj", "down_proj"] as const } : { plain: names.mlp }),
        },
        norm: layout.norm ?? "layer",
        norms: names.norms,
        extras: [
          ...(layout.scales?.(config) ?? []).map((name) => vector(name, "vision", [hiddenSize])),
          ...(layout.layerExtras?.(config) ?? []),
        ],
      }),
  });
}

/**
 * class tokens h + patches c*p*p*h + h + positions + L*(4 lin + MLP + 4h) + norm 2h.
 *
 * @example ViT-B/16 at 224 without a pooler: 85_798_656
 */
export function vitTower(layout: VitLayout): TowerBuilder {
  return (given, prefix) => {
    const config = withDefaults(given, { ...VIT_B, ...layout.defaults });
    const names = layout.names ?? VIT_NAMES;
    const at = (name: string): string => (prefix === "" ? name : `${prefix}.${name}`);
    const stack = vitLayers(layout, config, at(names.layers));
    const { hiddenSize } = stack;
    const classTokens = layout.classTokens?.(config) ?? 1;
    const rows = (layout.patches ?? patchCount)(config) + classTokens;
    const positions = layout.positions === undefined ? rows : layout.positions(config, rows);
    const finalNorm = layout.finalNorm === undefined ? "layernorm" : layout.finalNorm(config);
    const kind = layout.norm ?? "layer";
    return {
      stacks: [stack],
      tensors: inGroup("vision", [
        ...(classTokens === 0
          ? []
          : [vector(at("embeddings.cls_token"), "vision", [1, classTokens, hiddenSize])]),
        ...(positions === 0
          ? []
          : [vector(at("embeddings.position_embeddings"), "vision", [1, positions, hiddenSize])]),
        ...convolution({
          name: at(names.patches),
          group: "vision",
          shape: [hiddenSize, ...(layout.patchShape ?? imagePatch)(config)],
          bias: layout.patchBias ?? true,
        }),
        ...(layout.outside?.(config, hiddenSize, rows) ?? []).map((t) => ({ ...t, name: at(t.name) })),
        ...(finalNorm === undefined
          ? []
          : norm(at(finalNorm), hiddenSize, kind === "layer" ? "bias" : "no-bias")),
      ]),
    };
  };
}

const imagePatch = (config: ConfigReader): readonly number[] => [
  config.int("num_channels", 3),
  ...squareSize(config, "patch_size"),
];
