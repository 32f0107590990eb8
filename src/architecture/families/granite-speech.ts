/** Granite Speech: a conformer with a CTC head in its middle, a Q-Former that reads windows of it, Granite's decoder. */
import { optionalPart, projection } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import { plainMlp } from "../feed-forward.ts";
import type { LayerKind, Tensor } from "../model.ts";
import { batchNorm } from "../speech-encoder.ts";
import { convolution, embedding, linear, vector } from "../tensors.ts";
import { encoderLayer, type Tower, towerOf } from "../towers/tower.ts";
import { Q_FORMER, qFormer } from "./blip.ts";

const ENCODER = { input_dim: 160, num_layers: 10, hidden_dim: 1024, num_heads: 8, output_dim: 42 } as const;

/** Attention between half MLPs, keys and values of one matrix, one table of distances per layer. */
function conformerLayer(config: ConfigReader): LayerKind {
  const hiddenSize = config.int("hidden_dim");
  const heads = config.int("num_heads");
  const headDim = config.int("dim_head", Math.max(1, Math.floor(hiddenSize / heads)));
  const width = hiddenSize * config.int("feedforward_mult", 4);
  const inner = hiddenSize * config.int("conv_expansion_factor", 2);
  const names = ["up_proj", "down_proj"] as const;
  const conv = (name: string, outDim: number, inDim: number): Tensor[] =>
    convolution({ name: `conv.${name}`, group: "audio", shape: [outDim, inDim, 1], bias: true });
  return encoderLayer({
    hiddenSize,
    heads,
    headDim,
    attention: { name: "attn", names: ["to_q", "to_k", "to_v", "to_out"], bias: { o: true } },
    mlp: { name: "ff1", width, activation: "silu", bias: true, plain: names },
    norm: "layer",
    norms: ["ff1.pre_norm", "attn.pre_norm", "conv.norm", "ff2.pre_norm", "post_norm"],
    extras: [
      ...plainMlp({ name: "ff2", hiddenSize, width, bias: true, names }),
      embedding("attn.rel_pos_emb", 2 * config.int("max_pos_emb", 512) + 1, headDim),
      ...conv("up_conv", 2 * inner, hiddenSize),
      ...convolution({
        name: "conv.depth_conv.conv",
        group: "audio",
        shape: [inner, 1, config.int("conv_kernel_size", 15)],
      }),
      ...batchNorm("conv.batch_norm", inner),
      ...conv("down_conv", hiddenSize, inner),
    ],
  });
}

function encoder(config: ConfigReader, prefix: string): Tower {
  const hiddenSize = config.int("hidden_dim");
  const lin = (name: string, outDim: number, inDim: number): Tensor[] =>
    linear({ name: `${prefix}.${name}`, role: "other", group: "audio", outDim, inDim, bias: true });
  const outDim = config.int("output_dim");
  return towerOf({
    role: "audio",
    prefix: `${prefix}.layers`,
    hiddenSize,
    layers: config.layers("num_layers"),
    layer: conformerLayer(config),
    outside: [
      ...lin("input_linear", hiddenSize, config.int("input_dim")),
      ...lin("out", outDim, hiddenSize),
      ...lin("out_mid", hiddenSize, outDim),
    ],
  });
}

/** The plus class reads some layers' states beside the last one's, which only the Q-Former's width shows. */
const graniteSpeechOf = (id: string, className: string) =>
  compositeFamily({
    id,
    classNames: [className],
    text: { modelType: "granite", tied: true, ties: "top-alone" },
    names: "model.language_model",
    towers: (config) => [encoder(optionalPart(config, "encoder_config", ENCODER), "model.encoder")],
    projector: ({ config, textSize }) => {
      const former = optionalPart(config, "projector_config", Q_FORMER);
      const size = former.int("hidden_size");
      const queries = Math.floor(config.int("window_size", 15) / config.int("downsample_rate", 5));
      return [
        vector("model.projector.query", "projector", [1, queries, size]),
        ...qFormer(former, former.int("encoder_hidden_size", 1408), false, "model.projector.qformer"),
        ...projection("model.projector.linear", textSize, size, true),
      ];
    },
  });

export const graniteSpeech = graniteSpeechOf("granite_speech", "GraniteSpeechForConditionalGeneration");
export const graniteSpeechPlus = graniteSpeechOf(
  "granite_speech_plus",
  "GraniteSpeechPlusForConditionalGeneration",
);
