import { tiedEmbeddings } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import { activationOf, type Family } from "../family.ts";
import { gatedMlp } from "../feed-forward.ts";
import { mamba2Block } from "../mixers/mamba.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import type { Tensor } from "../model.ts";
import { layerTypes } from "../stack.ts";
import { linear, norm } from "../tensors.ts";
import { expandedWidth } from "./mamba.ts";

/**
 * Mamba-2 in every layer; hybrid layers also run one of num_mem_blocks shared attention blocks, which the
 * first hybrid layers hold and the later ones reuse, each with its own low-rank adapters and projection.
 * The shared block reads the hidden state beside the embedding: 2h wide.
 */
export const zamba2: Family = {
  id: "zamba2",
  modelTypes: ["zamba2"],
  classNames: ["Zamba2ForCausalLM"],
  build: (config) => {
    const hiddenSize = config.int("hidden_size");
    const heads = config.int("num_attention_heads", 32);
    if ((2 * hiddenSize) % heads !== 0) config.fail("num_attention_heads", `a divisor of ${2 * hiddenSize}`);
    const kvHeads = config.int("num_key_value_heads", heads);
    const layers = config.layers("num_hidden_layers");
    const sizes = {
      ...readDecoderSizes(config, { tied: true, headDim: (2 * hiddenSize) / heads }),
      headDim: (2 * hiddenSize) / heads,
    };
    const types = layerTypes(
      config,
      layers,
      ["layers_block_type", "layer_types"],
      ["mamba", "linear_attention", "hybrid"],
    );
    if (types === undefined) return config.fail("layers_block_type", `a list of ${layers} layer kinds`);
    const order = new Map<number, number>();
    for (let layer = 0; layer < layers; layer++) if (types[layer] === "hybrid") order.set(layer, order.size);
    const blocks = config.int("num_mem_blocks", 1);
    // Untied words untie the blocks too: the class has one switch for both.
    const reuses = tiedEmbeddings(config, true);
    const holds = (layer: number): boolean => !reuses || order.get(layer)! < blocks;
    // A block holds adapters for all layers that run it, of which a tied layer counts its own.
    const turns = (layer: number): number =>
      reuses ? 1 : Math.ceil((order.size - (order.get(layer)! % blocks)) / blocks);

    const bias = config.flag("add_bias_linear", false);
    const mambaHeads = config.int("n_mamba_heads", 8);
    const innerDim = expandedWidth(config, "mamba_expand", hiddenSize);
    if (innerDim % mambaHeads !== 0) config.fail("n_mamba_heads", `a divisor of ${innerDim}`);
    const mambaAt = (name: string) =>
      mamba2Block({
        name,
        hiddenSize,
        heads: mambaHeads,
        headDim: innerDim / mambaHeads,
        stateDim: config.int("mamba_d_state", 64),
        groups: config.int("mamba_ngroups", 1),
        convKernel: config.int("mamba_d_conv", 4),
        // The class has the bias whatever use_conv_bias says.
        convBias: true,
        projectionBias: bias,
        gatedNorm: true,
      });
    const rank = config.int("adapter_rank", 128);
    const width = config.int("intermediate_size", 4 * hiddenSize);
    const shared = "shared_transformer";
    const attention = selfAttention({
      name: `${shared}.self_attn`,
      hiddenSize: 2 * hiddenSize,
      outputSize: hiddenSize,
      heads,
      kvHeads,
      keyDim: sizes.headDim,
    });
    const adapter = (name: string, outDim: number, inDim: number, layer: number): Tensor[] =>
      Array.from({ length: turns(layer) }, (_, turn) => (turn === 0 ? name : `${name}.${turn}`)).flatMap(
        (at) => [
          ...linear({ name: `${at}.0`, role: "other", group: "attention", outDim: rank, inDim }),
          ...linear({ name: `${at}.1`, role: "other", group: "attention", outDim, inDim: rank }),
        ],
      );
    const queryAdapters = (layer: number): Tensor[] =>
      config.flag("use_shared_attention_adapter", false)
        ? ["q", "k", "v"].flatMap((x) =>
            adapter(`${shared}.self_attn.linear_${x}_adapter_list`, 2 * hiddenSize, 2 * hiddenSize, layer),
          )
        : [];
    return decoder({
      family: "zamba2",
      config,
      sizes,
      tiedByDefault: true,
      norm: "rms",
      layerNorms: [],
      names: { finalNorm: "model.final_layernorm" },
      mixer: (layer) => {
        if (!order.has(layer)) {
          const mamba = mambaAt("mamba");
          return {
            mixers: mamba.mixers,
            tensors: [...mamba.tensors, ...norm("input_layernorm", hiddenSize)],
          };
        }
        const mamba = mambaAt("mamba_decoder.mamba");
        return {
          mixers: [...attention.mixers, ...mamba.mixers],
          tensors: [
            ...mamba.tensors,
            ...norm("mamba_decoder.input_layernorm", hiddenSize),
            ...linear({
              name: "linear",
              role: "other",
              group: "attention",
              outDim: hiddenSize,
              inDim: hiddenSize,
            }),
            ...queryAdapters(layer),
            ...(holds(layer)
              ? [
                  ...attention.tensors,
                  ...norm(`${shared}.input_layernorm`, 2 * hiddenSize),
                  ...norm(`${shared}.pre_ff_layernorm`, hiddenSize),
                ]
              : []),
          ],
        };
      },
      feedForward: (layer) => {
        if (!order.has(layer)) return { feedForward: { kind: "none" }, tensors: [] };
        return {
          feedForward: { kind: "dense", width, gated: true, activation: activationOf(config, "gelu") },
          tensors: [
            ...adapter(`${shared}.feed_forward.gate_up_proj_adapter_list`, 2 * width, hiddenSize, layer),
            ...(holds(layer)
              ? gatedMlp({ name: `${shared}.feed_forward`, hiddenSize, width, bias, fused: "gate_up_proj" })
              : []),
          ],
        };
      },
      keyOf: (layer) => (order.has(layer) ? `hybrid ${holds(layer)} ${turns(layer)}` : "mamba"),
    });
  },
};
