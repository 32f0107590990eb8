/** Zamba (arXiv:2405.16712): Mamba in every layer, and one shared attention block that the hybrid layers run. */
import { tiedEmbeddings } from "../config-reader.ts";
import { decoder } from "../decoder.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import { activationOf, type Family } from "../family.ts";
import { gatedMlp } from "../feed-forward.ts";
import type { Mixer } from "../mixers/mixer.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import type { Tensor } from "../model.ts";
import { layerTypes } from "../stack.ts";
import { convolution, linear, norm, vector } from "../tensors.ts";

/** Layer kinds when the config does not list them: the third, then each period at its offset from the fourth on. */
function hybridAt(layer: number, period: number, offset: number): boolean {
  return layer === 2 || (layer > 2 && (layer - 3) % period === offset);
}

/**
 * The attention block is 2h wide, as it reads the hidden state beside the embedding, and is held once; each hybrid
 * layer adds a linear [h, h]. Mamba's channels are split over `n_mamba_heads`, each with its own x and dt
 * projections of width d / heads.
 *
 * @example Zamba-7B-v1: 7,232,490,496 (h 3712, 76 layers, 13 of them hybrid)
 */
export const zamba: Family = {
  id: "zamba",
  modelTypes: ["zamba"],
  classNames: ["ZambaForCausalLM"],
  build: (config) => {
    const hiddenSize = config.int("hidden_size");
    const heads = config.int("num_attention_heads", 16);
    const wide = config.int("attention_hidden_size", 2 * hiddenSize);
    const headDim = config.int("attention_head_dim", Math.max(1, Math.floor((2 * hiddenSize) / heads)));
    const kvHeads = config.int("num_key_value_heads", 16);
    if (heads % kvHeads !== 0)
      config.fail("num_key_value_heads", `a divisor of the ${heads} attention heads`);
    const layers = config.layers("num_hidden_layers");
    const sizes = { ...readDecoderSizes(config, { tied: true, headDim, kvHeads }), headDim, kvHeads };
    const types = layerTypes(
      config,
      layers,
      ["layers_block_type", "layer_types"],
      ["mamba", "linear_attention", "hybrid"],
    );
    const period = config.int("attn_layer_period", 6);
    const offset = config.count("attn_layer_offset", 4);
    const hybrid = (layer: number): boolean =>
      types === undefined ? hybridAt(layer, period, offset) : types[layer] === "hybrid";
    const first = Array.from({ length: layers }, (_, layer) => layer).find(hybrid);
    // Untied words untie the block too: the class has one switch for both.
    const reuses = tiedEmbeddings(config, true);
    const holds = (layer: number): boolean => layer === first || (!reuses && hybrid(layer));

    const mambaHeads = config.int("n_mamba_heads", 2);
    const inner = config.int("mamba_expand", 2) * hiddenSize;
    if (inner % mambaHeads !== 0) config.fail("n_mamba_heads", `a divisor of ${inner}`);
    const perHead = inner / mambaHeads;
    const stateDim = config.int("mamba_d_state", 16);
    const rank =
      config.raw.mamba_dt_rank === "auto"
        ? Math.ceil(hiddenSize / 16)
        : config.int("mamba_dt_rank", Math.ceil(hiddenSize / 16));
    const kernel = config.int("mamba_d_conv", 4);
    const bias = config.flag("mamba_proj_bias", false);
    const group = "recurrent";
    const mixer: Mixer = {
      kind: "recurrent",
      variant: "mamba",
      convChannels: inner,
      convKernel: kernel,
      stateElements: inner * stateDim,
      heads: inner,
      innerDim: inner,
    };
    const mamba = (at: string): Tensor[] => [
      ...linear({
        name: `${at}.in_proj`,
        role: "recurrent-in",
        group,
        outDim: 2 * inner,
        inDim: hiddenSize,
        bias,
        split: "column",
      }),
      ...convolution({
        name: `${at}.conv1d`,
        group,
        shape: [inner, 1, kernel],
        bias: config.flag("mamba_conv_bias", true),
        split: "column",
      }),
      vector(`${at}.x_proj_weight`, group, [mambaHeads, rank + 2 * stateDim, perHead]),
      vector(`${at}.dt_proj_weight`, group, [mambaHeads, perHead, rank]),
      vector(`${at}.dt_proj_bias`, group, [mambaHeads, perHead]),
      vector(`${at}.A_log`, group, [mambaHeads, perHead, stateDim]),
      vector(`${at}.D`, group, [mambaHeads, perHead]),
      ...linear({
        name: `${at}.out_proj`,
        role: "recurrent-out",
        group,
        outDim: hiddenSize,
        inDim: inner,
        bias,
        split: "row",
      }),
    ];
    const shared = "shared_transf";
    const attention = selfAttention({
      name: `${shared}.self_attn`,
      hiddenSize: wide,
      outputSize: hiddenSize,
      heads,
      kvHeads,
      keyDim: headDim,
    });
    const width = config.int("intermediate_size", 14_848);
    return decoder({
      family: "zamba",
      config,
      sizes,
      tiedByDefault: true,
      norm: "rms",
      layerNorms: [],
      names: { finalNorm: "model.final_layernorm" },
      mixer: (layer) =>
        hybrid(layer)
          ? {
              mixers: [...attention.mixers, mixer],
              tensors: [
                ...mamba("mamba_decoder.mamba"),
                ...norm("mamba_decoder.input_layernorm", hiddenSize),
                ...linear({
                  name: "linear",
                  role: "other",
                  group: "attention",
                  outDim: hiddenSize,
                  inDim: hiddenSize,
                }),
                ...(holds(layer)
                  ? [
                      ...attention.tensors,
                      ...norm(`${shared}.input_layernorm`, wide),
                      ...norm(`${shared}.pre_ff_layernorm`, hiddenSize),
                    ]
                  : []),
              ],
            }
          : { mixers: [mixer], tensors: [...mamba("mamba"), ...norm("input_layernorm", hiddenSize)] },
      feedForward: (layer) =>
        hybrid(layer)
          ? {
              feedForward: { kind: "dense", width, gated: true, activation: activationOf(config, "gelu") },
              tensors: holds(layer) ? gatedMlp({ name: `${shared}.feed_forward`, hiddenSize, width }) : [],
            }
          : { feedForward: { kind: "none" }, tensors: [] },
      keyOf: (layer) => (hybrid(layer) ? `hybrid ${holds(layer)}` : "mamba"),
    });
  },
};
