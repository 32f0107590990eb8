/** Decoders of classes that live in a model's own repository: another class's layout under other names and keys. */

import { type ConfigReader, overriding } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import { readDecoderSizes } from "../decoder-sizes.ts";
import { expertsBeside, expertsOf } from "../expert-rules.ts";
import type { Family } from "../family.ts";
import { gatedMlp } from "../feed-forward.ts";
import { selfAttention } from "../mixers/self-attention.ts";
import { layerInts } from "../stack.ts";
import { linear, norm, vector } from "../tensors.ts";
import { GPT2 } from "./gpt.ts";
import { hunyuanLarge } from "./hunyuan.ts";
import { LLAMA } from "./llama.ts";
import { panguEmbedded, panguProMoe } from "./pangu.ts";
import { plamo2, plamo3 } from "./plamo.ts";
import { QWEN2, QWEN3, QWEN3_MOE } from "./qwen.ts";
import { step1, step3Text } from "./step3.ts";
import { telechat } from "./telechat.ts";

/**
 * LLaDA: OLMo's keys around llama's layers. It fills in masked positions and reads the whole text in every step, so
 * its code keeps no cache and makes the logits of all positions.
 *
 * @example LLaDA-8B: 8,015,581,184 parameters
 */
const llada = familyOf(
  {
    id: "llada",
    classNames: ["LLaDAModelLM"],
    role: "encoder",
    layerNorms: ["attn_norm", "ff_norm"],
    qkvBias: { key: "include_qkv_bias", otherwise: false },
    oBias: { key: "include_bias", otherwise: false },
    mlpBias: { key: "include_bias", otherwise: false },
    attention: { name: "", outName: "attn_out" },
    mlpName: "",
    gatedMlp: ["ff_proj", "up_proj", "ff_out"],
    width: (config, hiddenSize) =>
      config.int("mlp_hidden_size", Math.floor(config.number("mlp_ratio", 4) * hiddenSize)),
    names: {
      embedding: "model.transformer.wte",
      layers: "model.transformer.blocks",
      finalNorm: "model.transformer.ln_f",
      head: "model.transformer.ff_out",
    },
    sizes: (config) => {
      const heads = config.int("n_heads");
      const renamed = { num_key_value_heads: config.int("n_kv_heads", heads) };
      const sizes = readDecoderSizes(overriding(config, renamed), { tied: false });
      return { ...sizes, vocabSize: config.int("embedding_size", sizes.vocabSize) };
    },
    customCode: "llama, without a cache",
  },
  (config) => ({ tied: config.flag("weight_tying", false) }),
);

/** Dream: Qwen2 that fills in masked positions, without a cache. */
const dream = familyOf({
  ...QWEN2,
  id: "dream",
  modelTypes: ["Dream", "dream"],
  classNames: ["DreamModel"],
  role: "encoder",
  customCode: "qwen2, without a cache",
});

/** SDAR: Qwen3 that fills in a block at a time and caches the blocks before it. */
const sdar = familyOf({ ...QWEN3, id: "sdar", classNames: ["SDARForCausalLM"], customCode: "qwen3" });
const sdarMoe = familyOf({
  ...QWEN3_MOE,
  id: "sdar_moe",
  classNames: ["SDARMoeForCausalLM"],
  customCode: "qwen3_moe",
});

/** MobileLLM: a key of its own ties head and embedding. */
const mobileLlm = familyOf(
  {
    ...LLAMA,
    id: "mobilellm",
    classNames: ["MobileLLMForCausalLM"],
    check: (config) => {
      // Each layer runs twice and keeps two caches.
      if (config.flag("layer_sharing", false)) config.fail("layer_sharing", "false: a layer runs once");
    },
    customCode: "llama",
  },
  (config) => ({ tied: config.flag("share_embedding", false) }),
);

/** DeciLM: KV heads by layer. */
const deci = familyOf({
  ...LLAMA,
  id: "deci",
  classNames: ["DeciCoderForCausalLM"],
  alsoNamed: ["DeciLMForCausalLM"],
  mixer: (config, { hiddenSize, layers, heads, headDim, kvHeads }) => {
    const of = layerInts(config, "num_key_value_heads_per_layer", layers, kvHeads);
    for (let layer = 0; layer < layers; layer++)
      if (heads % of(layer) !== 0)
        config.fail("num_key_value_heads_per_layer", `divisors of the ${heads} attention heads`);
    return {
      keyOf: (layer) => String(of(layer)),
      build: (layer) =>
        selfAttention({ name: "self_attn", hiddenSize, heads, kvHeads: of(layer), keyDim: headDim }),
    };
  },
  customCode: "llama with KV heads by layer",
});

const { classSizes: _sizesOfGpt2, plainMlp: PLAIN_MLP, ...GPT2_WITHOUT_MLP } = GPT2;

/** Jais: GPT-2 with ALiBi, and a gated MLP where the activation is swiglu. */
const jais = familyOf(
  { ...GPT2_WITHOUT_MLP, id: "jais", classNames: ["JAISLMHeadModel"], customCode: "gpt2 with a gated MLP" },
  (config) => ({
    ...(config.text("position_embedding_type", "learned") === "alibi" ? { extras: () => [] } : {}),
    ...(config.text("activation_function", "gelu") === "swiglu"
      ? { gatedMlp: ["c_fc2", "c_fc", "c_proj"], activation: "silu" }
      : { plainMlp: PLAIN_MLP! }),
  }),
);

/** Grok 1 as converted: four norms in a layer, experts alone. */
const grok1 = familyOf({
  id: "grok-1",
  classNames: ["Grok1ModelForCausalLM", "Grok1ForCausalLM"],
  layerNorms: ["pre_attn_norm", "post_attn_norm", "pre_moe_norm", "post_moe_norm"],
  attention: { name: "attn" },
  experts: expertsOf({
    width: "intermediate_size",
    count: 8,
    active: 2,
    name: "moe_block",
    expertNames: ["linear", "linear_v", "linear_1"],
  }),
  customCode: "mixtral with four norms",
});

/** Arctic: every n-th layer has experts beside a dense MLP as wide as the hidden size, under a norm of its own. */
const arctic = familyOf({
  id: "arctic",
  classNames: ["ArcticForCausalLM"],
  experts: (config: ConfigReader, sizes) => {
    const { hiddenSize } = sizes;
    const every = config.int("moe_layer_frequency", 2);
    const rule = expertsOf({
      width: "intermediate_size",
      count: 8,
      active: 1,
      sparse: () => (layer) => (layer + 1) % every === 0,
      name: "block_sparse_moe",
      expertNames: ["w1", "w3", "w2"],
    })(config, sizes);
    if (!config.flag("parallel_attn_mlp_res", false)) return rule;
    return expertsBeside(rule, [
      ...norm("residual_layernorm", hiddenSize),
      ...gatedMlp({ name: "residual_mlp", hiddenSize, width: hiddenSize, names: ["w1", "w3", "w2"] }),
    ]);
  },
  customCode: "mixtral with a dense MLP beside the experts",
});

/** Motif: heads in pairs whose difference counts; each layer learns four vectors of their weight, a norm and PolyNorm. */
const motif = familyOf({
  ...LLAMA,
  id: "Motif",
  modelTypes: ["Motif", "motif"],
  classNames: ["MotifForCausalLM"],
  tied: true,
  qkvBias: { key: "use_bias", otherwise: false },
  oBias: { key: "use_bias", otherwise: false },
  mlpBias: { key: "use_bias", otherwise: false },
  layerExtras: (_config, { headDim }) => [
    ...["lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2"].map((name) =>
      vector(`self_attn.${name}`, "attention", [headDim]),
    ),
    ...norm("self_attn.subln", 2 * headDim),
    vector("mlp.act_fn.weight", "mlp", [3]),
    vector("mlp.act_fn.bias", "mlp", [1]),
  ],
  customCode: "llama with differential attention",
});

const ouroLayers = familyOf({
  id: "ouro",
  classNames: ["OuroForCausalLM"],
  layerNorms: [
    "input_layernorm",
    "input_layernorm_2",
    "post_attention_layernorm",
    "post_attention_layernorm_2",
  ],
  extras: (_config, { hiddenSize }) =>
    linear({
      name: "model.early_exit_gate",
      role: "other",
      group: "other",
      outDim: 1,
      inDim: hiddenSize,
      bias: true,
    }),
  customCode: "llama whose layers run several times",
});

/** Ouro: all layers run `total_ut_steps` times, and every turn keeps keys and values of its own. */
const ouro: Family = {
  ...ouroLayers,
  build: (config, families) => {
    const draft = ouroLayers.build(config, families);
    const [stack, ...others] = draft.stacks;
    return { ...draft, stacks: [{ ...stack!, repeats: config.int("total_ut_steps", 4) }, ...others] };
  },
};

export const REMOTE_DECODERS: readonly Family[] = [
  llada,
  dream,
  sdar,
  sdarMoe,
  mobileLlm,
  deci,
  jais,
  grok1,
  arctic,
  motif,
  ouro,
  telechat,
  plamo2,
  plamo3,
  panguEmbedded,
  panguProMoe,
  step1,
  step3Text,
  hunyuanLarge,
];
