/** Florence-2 (arXiv:2311.06242): DaViT in front of BART's encoder. */
import { part, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import type { Family } from "../family.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { stackOf } from "../stack.ts";
import { convolution, head, norm, positionEmbedding } from "../tensors.ts";
import type { TowerBuilder } from "../towers/image-encoders.ts";
import { encoderLayer, inGroup } from "../towers/tower.ts";

/** One number per stage. */
function stages(config: ConfigReader, keys: readonly string[], otherwise: readonly number[]) {
  const listed = config.ints(keys) ?? otherwise;
  if (listed.length === 0 || listed.length > 100 || listed.includes(0))
    config.fail(keys[0]!, "one to 100 numbers from 1");
  return listed;
}

/** A depthwise convolution of 3 x 3 before attention and another before the MLP. */
function block(size: number, heads: number, ratio: number, qkvBias: boolean, attention: string): LayerKind {
  const depthwise = (name: string): Tensor[] =>
    convolution({ name, group: "vision", shape: [size, 1, 3, 3], bias: true });
  return encoderLayer({
    hiddenSize: size,
    heads,
    attention: { name: attention, fused: "qkv", outName: "proj", bias: { qkv: qkvBias, o: true } },
    mlp: {
      name: "ffn",
      width: Math.floor(size * ratio),
      activation: "gelu",
      bias: true,
      plain: ["fc1", "fc2"],
    },
    norm: "layer",
    norms: ["norm1", "norm2"],
    extras: [...depthwise("conv1"), ...depthwise("conv2")],
  });
}

/** Stages of growing width; in each, attention over windows and attention over channels by turns. */
const davit: TowerBuilder = (config, prefix) => {
  const widths = stages(config, ["embed_dim", "dim_embed"], [128, 256, 512, 1024]);
  const depths = stages(config, ["depths"], [1, 1, 9, 1]);
  const heads = stages(config, ["num_heads"], [4, 8, 16, 32]);
  const patches = stages(config, ["patch_size"], [7, 3, 3, 3]);
  if ([depths, heads, patches].some(({ length }) => length !== widths.length))
    config.fail("depths", `one number for each of the ${widths.length} stages`);
  const before = config.raw.patch_prenorm ?? [false, true, true, true];
  if (!Array.isArray(before)) return config.fail("patch_prenorm", "a list of true and false");
  const ratio = config.number("mlp_ratio", 4);
  if (!(ratio > 0 && ratio <= 1000)) config.fail("mlp_ratio", "a factor that leaves an MLP");
  const qkvBias = config.flag("qkv_bias", true);
  return {
    stacks: widths.map((size, stage) => {
      if (size % heads[stage]! !== 0) config.fail("num_heads", `divisors of the widths ${widths.join(", ")}`);
      return stackOf({
        role: "vision",
        prefix: `${prefix}.blocks.${stage}`,
        hiddenSize: size,
        layers: 2 * depths[stage]!,
        keyOf: (layer) => String(layer % 2),
        build: (layer) =>
          block(size, heads[stage]!, ratio, qkvBias, layer % 2 === 0 ? "window_attn" : "channel_attn"),
      });
    }),
    tensors: inGroup(
      "vision",
      widths.flatMap((size, stage) => {
        const from = stage === 0 ? config.int(["in_channels", "in_chans"], 3) : widths[stage - 1]!;
        const side = patches[stage]!;
        return [
          ...convolution({
            name: `${prefix}.convs.${stage}.conv`,
            group: "vision",
            shape: [size, from, side, side],
            bias: true,
          }),
          ...norm(`${prefix}.convs.${stage}.norm`, before[stage] === true ? from : size, "bias"),
        ];
      }),
    ),
  };
};

/** One matrix and its norm, positions of rows and columns. The file of the first release names its parts otherwise. */
const florence = compositeFamily({
  id: "florence2",
  classNames: ["Florence2ForConditionalGeneration"],
  text: {
    modelType: "bart",
    readAs: "bart",
    tied: true,
    ties: "text-alone",
    fixed: { architectures: null },
    defaults: {
      vocab_size: 50_265,
      d_model: 1024,
      encoder_layers: 12,
      encoder_ffn_dim: 4096,
      encoder_attention_heads: 16,
      decoder_layers: 12,
      decoder_ffn_dim: 4096,
      decoder_attention_heads: 16,
    },
  },
  names: "language_model",
  towers: (config) => [davit(part(config, "vision_config"), "vision_tower")],
  projector: ({ config }) => {
    const vision = part(config, "vision_config");
    const width = stages(vision, ["embed_dim", "dim_embed"], [128, 256, 512, 1024]).at(-1)!;
    const out = vision.int("projection_dim", 1024);
    const positions =
      vision.child("image_pos_embed")?.optionalInt("max_pos_embeddings") ??
      vision.int("max_position_embeddings", 50);
    const half = Math.floor(width / 2);
    const at = (name: string): string => `multi_modal_projector.${name}`;
    return inGroup("projector", [
      ...projection(at("image_projection"), out, width, false),
      ...norm(at("image_proj_norm"), out, "bias"),
      positionEmbedding(at("image_position_embed.row_embeddings"), positions, half),
      positionEmbedding(at("image_position_embed.column_embeddings"), positions, width - half),
    ]);
  },
});

/** The text config ties the tables of both sides, the top of the file the head. */
export const florence2: Family = {
  ...florence,
  build: (config, families) => {
    const draft = florence.build(config, families);
    const headTied = config.flag("tie_word_embeddings", true);
    if (headTied === draft.tied) return draft;
    const { vocabSize, hiddenSize } = draft;
    const tensors = headTied
      ? draft.tensors.filter(({ role }) => role !== "head")
      : [...draft.tensors, ...head("lm_head", vocabSize, hiddenSize)];
    return { ...draft, tied: true, tensors };
  },
};
