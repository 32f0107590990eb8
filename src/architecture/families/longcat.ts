/** LongCat-Flash: two latent attentions and two dense MLPs in each layer, one set of experts beside them. */

import { withClassSizes } from "../class-defaults.ts";
import { decoder } from "../decoder.ts";
import { readExperts } from "../expert-counts.ts";
import type { Family } from "../family.ts";
import { gatedMlp } from "../feed-forward.ts";
import { latentAttention, latentSizes, readLatentDims } from "../latent-attention.ts";
import type { Tensor } from "../model.ts";
import { moe } from "../moe.ts";
import { linear, routerBalance } from "../tensors.ts";

const HALVES = [0, 1] as const;

/**
 * Router [E + Z, h] over E experts and Z that return their input; both halves of a layer keep a cache of their own.
 *
 * The class of transformers 5.18 also allocates gate and up of the Z experts, which no file holds (741 B parameters
 * where LongCat-Flash-Chat has 562 B); they are not counted here.
 */
export const longcatFlash: Family = {
  id: "longcat_flash",
  modelTypes: ["longcat_flash"],
  classNames: ["LongcatFlashForCausalLM"],
  build: (given) => {
    const { config, notes } = withClassSizes(given, [6144, 12_288, 28, 64, 131_072]);
    const sizes = latentSizes(config);
    const { hiddenSize, heads } = sizes;
    const dims = readLatentDims(config, {
      queryLatentDim: 1536,
      latentDim: 512,
      nopeDim: 128,
      ropeDim: 64,
      valueDim: 128,
    });
    const bias = config.flag("attention_bias", false);
    const half = latentAttention({ hiddenSize, heads, dims, bias });
    const width = config.int(["ffn_hidden_size", "intermediate_size"], 12_288);
    const expertWidth = config.int(["expert_ffn_hidden_size", "moe_intermediate_size"], 2048);
    const identity = config.count("zero_expert_num", 256);
    const counts = readExperts(
      config,
      { count: 512, active: 12 },
      { active: ["moe_topk", "num_experts_per_tok"] },
    );
    const sparse = moe({ config, hiddenSize, experts: counts, width: expertWidth });
    const router: Tensor[] = linear({
      name: "mlp.router.classifier",
      role: "router",
      group: "router",
      outDim: counts.count + identity,
      inDim: hiddenSize,
      bias: config.flag("router_bias", false),
    });
    const balance = routerBalance("mlp.router.e_score_correction_bias", counts.count + identity);
    return decoder({
      family: "longcat_flash",
      config,
      sizes,
      tiedByDefault: false,
      norm: "rms",
      layerNorms: ["input_layernorm", "post_attention_layernorm"].flatMap((name) =>
        HALVES.map((at) => `${name}.${at}`),
      ),
      mixer: () => ({
        mixers: HALVES.flatMap(() => half.mixers),
        tensors: HALVES.flatMap((at) =>
          half.tensors.map((tensor) => ({
            ...tensor,
            name: tensor.name.replace("self_attn", `self_attn.${at}`),
          })),
        ),
      }),
      feedForward: () => ({
        feedForward:
          sparse.feedForward.kind === "experts"
            ? { ...sparse.feedForward, denseWidth: width }
            : sparse.feedForward,
        tensors: [
          ...HALVES.flatMap((at) => gatedMlp({ name: `mlps.${at}`, hiddenSize, width })),
          ...sparse.tensors.filter(({ group }) => group !== "router"),
          ...router,
          balance,
        ],
      }),
      notes,
    });
  },
};
