/** Falcon-Perception: one decoder over patches and words, and heads that draw boxes and masks. */

import type { ConfigReader } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import type { Tensor } from "../model.ts";
import { buffer, convolution, linear, norm, vector } from "../tensors.ts";
import { inGroup } from "../towers/tower.ts";

const matrix = (name: string, outDim: number, inDim: number, bias = false): Tensor[] =>
  linear({ name, role: "other", group: "vision", outDim, inDim, bias });

/** Width of AnyUp, which raises the patches' features to the pixels: the class fixes it. */
const UPSAMPLER = 128;

/** A convolution into the upsampler's width and two residual blocks of 1 x 1 convolutions under group norms. */
function upsamplerEncoder(name: string, first: readonly number[]): Tensor[] {
  const conv = (part: string, shape: readonly number[]): Tensor[] =>
    convolution({ name: `${name}.${part}`, group: "vision", shape });
  const square = [UPSAMPLER, UPSAMPLER, 1, 1];
  return [
    ...conv("0", first),
    ...["1", "2"].flatMap((block) => [
      ...norm(`${name}.${block}.block.0`, UPSAMPLER, "bias"),
      ...conv(`${block}.block.2`, square),
      ...norm(`${name}.${block}.block.3`, UPSAMPLER, "bias"),
      ...conv(`${block}.block.5`, square),
    ]),
  ];
}

function upsampler(name: string): Tensor[] {
  return [
    ...upsamplerEncoder(`${name}.image_encoder`, [UPSAMPLER, 3, 1, 1]),
    ...upsamplerEncoder(`${name}.key_encoder`, [UPSAMPLER, UPSAMPLER, 1, 1]),
    ...upsamplerEncoder(`${name}.query_encoder`, [UPSAMPLER, UPSAMPLER, 1, 1]),
    ...upsamplerEncoder(`${name}.key_features_encoder`, [UPSAMPLER, 1, 5, 5]),
    ...upsamplerEncoder(`${name}.aggregation`, [UPSAMPLER, 2 * UPSAMPLER, 3, 3]),
    ...norm(`${name}.cross_decode.cross_attn.norm_q`, UPSAMPLER),
    ...norm(`${name}.cross_decode.cross_attn.norm_k`, UPSAMPLER),
    ...matrix(`${name}.cross_decode.cross_attn.attention.in_proj`, 3 * UPSAMPLER, UPSAMPLER, true),
    ...convolution({
      name: `${name}.cross_decode.conv2d`,
      group: "vision",
      shape: [UPSAMPLER, UPSAMPLER, 3, 3],
    }),
    vector(`${name}.rope.freqs`, "vision", [2, UPSAMPLER]),
  ];
}

/** Two numbers in through Fourier features, logits of bins out: of centres and of sizes alike. */
function boxHead(config: ConfigReader, kind: "coord" | "size", hiddenSize: number): Tensor[] {
  const encoded = config.int(`${kind}_enc_dim`, 512);
  const decoded = config.int(`${kind}_dec_dim`, 8192);
  return [
    ...matrix(`${kind}_encoder.embed`, Math.floor(encoded / 2), 2),
    ...matrix(`${kind}_encoder.transform`, hiddenSize, encoded),
    ...matrix(`${kind}_decoder.w1`, decoded, hiddenSize),
    ...matrix(`${kind}_decoder.w2`, config.int(`${kind}_out_dim`, 2048), decoded),
  ];
}

function maskHead(config: ConfigReader, hiddenSize: number): Tensor[] {
  if (!config.flag("do_segmentation", true)) return [];
  const outDim = config.int("segm_out_dim", 256);
  const layers = config.int("num_segm_layers", 3);
  if (layers > 1000) config.fail("num_segm_layers", "at most 1,000 layers");
  return [
    ...upsampler("itok_upsampler"),
    ...Array.from({ length: layers - 1 }, (_, i) =>
      matrix(`proj_segm.layers.${i}`, hiddenSize, hiddenSize, true),
    ).flat(),
    ...matrix("proj_segm.pixel_layer", outDim, hiddenSize),
    ...convolution({ name: "conv_segm", group: "vision", shape: [outDim, hiddenSize, 3, 3], bias: true }),
  ];
}

/**
 * Norms without weights, a sink per query head, squared ReLU gates; keys and values are repeated for every query head
 * before they are cached.
 *
 * Source: tiiuae/Falcon-Perception, `falcon_perception/model.py` and `anyup.py`; published as 0.6 B parameters.
 */
export const falconPerception = familyOf(
  {
    id: "falcon_perception",
    classNames: ["FalconPerceptionForSegmentation"],
    layerNorms: [],
    attention: { name: "attention", fused: "wqkv", outName: "wo" },
    mlpName: "feed_forward",
    fusedGateUp: "w13",
    gatedMlp: ["w1", "w3", "w2"],
    activation: "relu2",
    broadcastBeforeCache: true,
    names: { embedding: "tok_embeddings", layers: "layers", finalNorm: "norm", head: "output" },
    layerExtras: (_config, { heads }) => [vector("attention.sinks", "attention", [heads])],
    extras: (config, { hiddenSize, heads, headDim }) => {
      const patch = config.int("spatial_patch_size", 16);
      const pixels = config.int("temporal_patch_size", 1) * patch ** 2 * config.int("channel_size", 3);
      return inGroup("vision", [
        ...matrix("img_projector", hiddenSize, pixels),
        ...boxHead(config, "coord", hiddenSize),
        ...boxHead(config, "size", hiddenSize),
        ...maskHead(config, hiddenSize),
        buffer("freqs_cis_golden", "vision", [heads, Math.floor(headDim / 4), 2]),
      ]);
    },
    customCode: "a decoder over patches and words, with heads for boxes and masks",
  },
  (config) => ({ kvHeads: config.int("n_kv_heads", config.int("n_heads")) }),
);
