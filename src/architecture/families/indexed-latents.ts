/** Latent attention that chooses its tokens, after DeepSeek V3.2: Hunyuan V4, A.X K2, GLM-5 Next. */

import { part } from "../composite.ts";
import { compositeFamily } from "../composite-row.ts";
import type { ConfigReader } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import { expertsBeside, expertsOf } from "../expert-rules.ts";
import {
  type IndexerDims,
  indexerLayers,
  latentAttention,
  latentSizes,
  readLatentDims,
} from "../latent-attention.ts";
import type { MixerParts } from "../mixers/self-attention.ts";
import type { Tensor } from "../model.ts";
import { layerTypes } from "../stack.ts";
import { convolution, linear, norm, vector } from "../tensors.ts";
import { glmNextVision } from "../towers/glm-vision.ts";
import { hyperConnection, hyperHead } from "./deepseek-v4.ts";

const attention = (name: string, outDim: number, inDim: number): Tensor[] =>
  linear({
    name: `self_attn.${name}`,
    role: "other",
    group: "attention",
    outDim,
    inDim,
    split: "heads",
  });

const indexerOf = (config: ConfigReader, heads: number): IndexerDims => ({
  heads: config.int("index_n_heads", heads),
  keyDim: config.int("index_head_dim", 128),
});

/** An output gate and a sink per head; an indexer in every fourth layer; hyper-connections without a mix of streams. */
export const hyV4 = familyOf({
  id: "hy_v4",
  classNames: ["HYV4ForCausalLM"],
  classSizes: [2816, 6912, 34, 32, 120_832],
  sizes: latentSizes,
  mixer: (config, { hiddenSize, heads, layers }) => {
    const dims = readLatentDims(config, {
      queryLatentDim: 1536,
      latentDim: 512,
      nopeDim: 192,
      ropeDim: 64,
      valueDim: 256,
    });
    const types = layerTypes(config, layers, ["indexer_types"], ["full", "shared"]);
    const isFull = (layer: number): boolean =>
      types === undefined ? layer === 0 || (layer - 1) % 4 === 0 : types[layer] === "full";
    const bias = config.flag("attention_bias", false);
    return {
      keyOf: (layer) => String(isFull(layer)),
      build: (layer) => {
        const indexer = isFull(layer) ? indexerOf(config, 16) : undefined;
        const parts = latentAttention({ hiddenSize, heads, dims, indexer, bias });
        return {
          ...parts,
          tensors: [
            ...parts.tensors,
            vector("self_attn.sinks", "attention", [heads], "heads"),
            ...attention("gate_proj", heads * dims.valueDim, hiddenSize),
          ],
        };
      },
    };
  },
  experts: expertsOf({
    count: 256,
    active: 8,
    width: 768,
    firstDense: 1,
    choiceBias: "buffer",
    shared: { count: ["n_shared_experts", 1] },
  }),
  layerExtras: (config, { hiddenSize }) => {
    const streams = config.int("hc_mult", 4);
    return ["attn_hc", "ffn_hc"].flatMap((name) => [
      vector(`${name}.fn`, "other", [2 * streams, streams * hiddenSize]),
      vector(`${name}.base`, "other", [2 * streams]),
      vector(`${name}.scale`, "other", [2]),
    ]);
  },
  extras: (config, { hiddenSize }) => hyperHead("model.hc_head.hc", config.int("hc_mult", 4), hiddenSize),
});

/** Queries and an output gate from one matrix over two query latents; norms gated by a bottleneck of rank r. */
export const axK2 = familyOf({
  id: "axk2",
  classNames: ["AXK2ForCausalLM"],
  classSizes: [2048, 5120, 48, 32, 163_840],
  sizes: latentSizes,
  layerNorms: ["input_layernorm.norm", "post_attention_layernorm.norm"],
  mixer: (config, { hiddenSize, heads }) => {
    const dims = readLatentDims(config, {
      queryLatentDim: 384,
      latentDim: 128,
      nopeDim: 64,
      ropeDim: 32,
      valueDim: 64,
    });
    const { queryLatentDim, nopeDim, ropeDim, valueDim } = dims;
    if (queryLatentDim === undefined) return config.fail("q_lora_rank", "a whole number from 1");
    const bias = config.flag("attention_bias", false);
    const parts = latentAttention({ hiddenSize, heads, dims, indexer: indexerOf(config, 16), bias });
    const gated = heads * (nopeDim + ropeDim + valueDim);
    const mixer: MixerParts = {
      ...parts,
      tensors: [
        ...parts.tensors.filter(({ role }) => role !== "attn-q-b"),
        ...attention("q_gate_proj", gated, 2 * queryLatentDim),
        ...gatedNorm(config, "input_layernorm", hiddenSize),
      ],
    };
    return { build: () => mixer };
  },
  experts: (config, sizes) => {
    const rule = expertsOf({
      count: 128,
      active: 8,
      width: 512,
      firstDense: 1,
      choiceBias: "buffer",
      shared: { count: ["n_shared_experts", 1] },
    })(config, sizes);
    return expertsBeside(rule, gatedNorm(config, "post_attention_layernorm", sizes.hiddenSize));
  },
});

/** The bottleneck that gates a norm: h*r + r*h. */
function gatedNorm(config: ConfigReader, name: string, hiddenSize: number): Tensor[] {
  const rank = config.int("gated_norm_rank", 16);
  return [
    ...linear({ name: `${name}.mlp.fc1`, role: "other", group: "norms", outDim: rank, inDim: hiddenSize }),
    ...linear({ name: `${name}.mlp.fc2`, role: "other", group: "norms", outDim: hiddenSize, inDim: rank }),
  ];
}

/** Kimi's delta attention with one convolution over q, k and v. */
function deltaAttention(config: ConfigReader, hiddenSize: number): MixerParts {
  const given = config.child("linear_attn_config");
  const headDim = given?.int("head_dim", 128) ?? config.int("linear_head_dim", 128);
  const heads = given?.int("num_heads", 64) ?? config.int("linear_num_heads", 64);
  const convKernel = given?.int("short_conv_kernel_size", 4) ?? config.int("linear_conv_kernel_dim", 4);
  const inner = heads * headDim;
  const matrix = (name: string, outDim: number, inDim: number): Tensor[] =>
    linear({ name: `self_attn.${name}`, role: "recurrent", group: "recurrent", outDim, inDim });
  return {
    mixers: [
      {
        kind: "recurrent",
        variant: "kda",
        convChannels: 3 * inner,
        convKernel,
        stateElements: inner * headDim,
        heads,
        innerDim: inner,
        stateFormat: "fp32",
      },
    ],
    tensors: [
      ...["q_proj", "k_proj", "v_proj"].flatMap((name) => matrix(name, inner, hiddenSize)),
      ...convolution({ name: "self_attn.conv1d", group: "recurrent", shape: [3 * inner, 1, convKernel] }),
      vector("self_attn.forget_gate.dt_bias", "recurrent", [inner]),
      vector("self_attn.forget_gate.A_log", "recurrent", [heads]),
      ...matrix("forget_gate.f_a_proj", headDim, hiddenSize),
      ...matrix("forget_gate.f_b_proj", inner, headDim),
      ...matrix("b_proj", heads, hiddenSize),
      ...matrix("g_a_proj", headDim, hiddenSize),
      ...matrix("g_b_proj", inner, headDim),
      ...norm("self_attn.o_norm", headDim),
      ...matrix("o_proj", hiddenSize, inner),
    ],
  };
}

/** Three delta layers, then a latent one whose indexer compresses 16 keys into one; full hyper-connections. */
const glm5NextText = familyOf({
  id: "glm5_next_text",
  classSizes: [4096, 12_288, 45, 64, 154_880],
  sizes: latentSizes,
  mixer: (config, { hiddenSize, heads, layers }) => {
    // Its latents carry no rotary part.
    const dims = readLatentDims(config, {
      queryLatentDim: 1536,
      latentDim: 512,
      nopeDim: 256,
      ropeDim: 0,
      valueDim: 256,
    });
    const kinds = ["linear_attention", "indexed_attention", "full_attention"];
    const types = layerTypes(config, layers, ["layer_types"], kinds);
    const isDelta = (layer: number): boolean =>
      types === undefined ? layer % 4 !== 3 : types[layer] === "linear_attention";
    const choosesOwn = indexerLayers(config, layers);
    const bias = config.flag("attention_bias", false);
    return {
      keyOf: (layer) => `${isDelta(layer)} ${choosesOwn(layer)}`,
      build: (layer) => {
        if (isDelta(layer)) return deltaAttention(config, hiddenSize);
        if (!choosesOwn(layer)) return latentAttention({ hiddenSize, heads, dims, bias });
        const indexer = indexerOf(config, 32);
        const parts = latentAttention({ hiddenSize, heads, dims, indexer, bias });
        const pool = config.int("index_kpool", 16);
        return {
          ...parts,
          tensors: [
            ...parts.tensors,
            vector("self_attn.indexer.index_kpool_compress_ape", "attention", [pool, indexer.keyDim]),
            vector("self_attn.indexer.index_kpool_compress_gate", "attention", [indexer.keyDim, hiddenSize]),
          ],
        };
      },
    };
  },
  experts: expertsOf({
    count: 288,
    active: 8,
    width: 2048,
    firstDense: 3,
    choiceBias: "buffer",
    shared: { count: ["n_shared_experts", 1] },
  }),
  layerExtras: (config, { hiddenSize }) =>
    ["attn_hc", "ffn_hc"].flatMap((name) => hyperConnection(name, config.int("hc_mult", 4), hiddenSize)),
});

export const glm5Next = compositeFamily({
  id: "glm5_next",
  classNames: ["Glm5NextForConditionalGeneration"],
  text: { modelType: "glm5_next_text", readAs: glm5NextText, ties: "top-alone" },
  names: "model.language_model",
  towers: (config) => [glmNextVision(part(config, "vision_config"), "model.visual")],
});
