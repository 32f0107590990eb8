/** ZAYA: attention behind convolutions over queries and keys (arXiv:2510.04476), one expert per token. */
import { familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { activationOf } from "../family.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import { routedExperts } from "../moe.ts";
import { layerTypes } from "../stack.ts";
import { convolution, linear, norm, routerBalance, vector } from "../tensors.ts";
import { windowTokensOf } from "../windows.ts";

/**
 * q [n*d, h], k [m*d, h], v as two halves, of this token and the one before; two convolutions over n*d + m*d
 * channels, of kernels t0 by channel and t1 by head; a scale per key head. A sequence keeps t0 + t1 - 2 columns
 * of them and the last half value beside K and V.
 *
 * The router, an MLP of its own width, chooses among the experts and one that does nothing; from the second layer
 * on it adds the states of the router before it.
 *
 * @example ZAYA1-8B: 8,840,488,784
 */
export const zaya = familyOf({
  id: "zaya",
  classNames: ["ZayaForCausalLM"],
  tied: true,
  kvHeads: 2,
  headDim: 128,
  headBias: { key: "lm_head_bias", otherwise: false },
  check: (config) => {
    if (config.int("num_experts_per_tok", 1) !== 1) config.fail("num_experts_per_tok", "1");
  },
  extras: (_config, { hiddenSize }) =>
    ["scale", "bias"].map((part) => vector(`model.input_hidden_states_${part}`, "norms", [hiddenSize])),
  mixer: (config, { hiddenSize, heads, kvHeads, headDim, layers }) => {
    const bias = config.flag("attention_bias", false);
    const channels = (heads + kvHeads) * headDim;
    const [depthwise, grouped] = [config.int("cca_time0", 2), config.int("cca_time1", 2)];
    if ((kvHeads * headDim) % 2 === 1) config.fail("head_dim", "a size that halves values");
    const half = (kvHeads * headDim) / 2;
    const types = layerTypes(config, layers, ["layer_types"], ["hybrid", "hybrid_sliding"]);
    const slides = types?.includes("hybrid_sliding") === true;
    const windowTokens = slides ? windowTokensOf(config) : undefined;
    if (slides && windowTokens === undefined)
      config.fail("sliding_window", "the window of hybrid_sliding layers");
    const conv = (name: string, inDim: number, kernel: number) =>
      convolution({
        name: `self_attn.qkv_proj.${name}`,
        group: "attention",
        shape: [channels, inDim, kernel],
        bias: true,
      });
    const build = (windowTokens: number | undefined) => {
      const { mixers, tensors } = selfAttention({
        name: "self_attn",
        hiddenSize,
        heads,
        kvHeads,
        keyDim: headDim,
        bias: { qkv: bias, o: bias },
        names: ["qkv_proj.q_proj", "qkv_proj.k_proj", "qkv_proj.v_proj", "o_proj"],
        windowTokens,
      });
      return {
        mixers: [
          ...mixers,
          { kind: "conv" as const, channels, kernel: depthwise + grouped - 2 },
          { kind: "conv" as const, channels: half, kernel: 1 },
        ],
        tensors: [
          ...tensors,
          ...conv("conv_qk_depthwise", 1, depthwise),
          ...conv("conv_qk_grouped", headDim, grouped),
          vector("self_attn.qk_norm.temp", "attention", [kvHeads]),
        ],
      };
    };
    return types === undefined
      ? { build: () => build(undefined) }
      : {
          keyOf: (layer) => types[layer]!,
          build: (layer) => build(types[layer] === "hybrid_sliding" ? windowTokens : undefined),
        };
  },
  experts: (config, { hiddenSize }) => {
    const counts = readExperts(config, { count: 16, active: 1 });
    const width = config.int("moe_intermediate_size", 2048);
    const size = config.int("router_hidden_size", 256);
    const lin = (name: string, outDim: number, inDim: number, bias: boolean) =>
      linear({ name: `mlp.gate.${name}`, role: "router", group: "router", outDim, inDim, bias });
    const routed = routedExperts({
      name: "mlp.experts",
      hiddenSize,
      width,
      counts,
      activation: activationOf(config, "silu"),
    });
    return {
      sparse: () => true,
      keyOf: (layer) => String(layer === 0),
      build: (layer) => ({
        ...routed,
        tensors: [
          ...routed.tensors,
          ...lin("down_proj", size, hiddenSize, true),
          ...norm("mlp.gate.router_mlp.norm", size),
          ...lin("router_mlp.fc1", size, size, true),
          ...lin("router_mlp.fc2", size, size, true),
          ...lin("router_mlp.out_proj", counts.count + 1, size, false),
          routerBalance("mlp.gate.balancing_biases", counts.count + 1),
          ...(layer === 0 ? [] : [vector("mlp.gate.router_states_scale", "router", [size])]),
        ],
      }),
    };
  },
  layerExtras: (_config, { hiddenSize }) =>
    ["post_attention_residual_scale", "post_mlp_residual_scale"].flatMap((name) =>
      ["hidden_states_scale", "hidden_states_bias", "residual_scale", "residual_bias"].map((part) =>
        vector(`${name}.${part}`, "norms", [hiddenSize]),
      ),
    ),
});
