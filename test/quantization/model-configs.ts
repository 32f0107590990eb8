/** The sizes of published config.json files, as little of each as a family needs. */

import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";

const llama = (
  hidden: number,
  width: number,
  layers: number,
  heads: number,
  kvHeads: number,
  vocab: number,
  more: Readonly<Record<string, unknown>> = {},
) => ({
  model_type: "llama",
  hidden_size: hidden,
  intermediate_size: width,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: kvHeads,
  vocab_size: vocab,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
  ...more,
});

const FP8_BLOCK = {
  activation_scheme: "dynamic",
  fmt: "e4m3",
  quant_method: "fp8",
  weight_block_size: [128, 128],
};
const llama31 = { max_position_embeddings: 131072 };

export const CONFIGS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "Llama-3.1-8B-Instruct": llama(4096, 14336, 32, 32, 8, 128256, llama31),
  "Llama-3.3-70B-Instruct": llama(8192, 28672, 80, 64, 8, 128256, llama31),
  "Llama-3.2-1B-Instruct": llama(2048, 8192, 16, 32, 8, 128256, {
    ...llama31,
    tie_word_embeddings: true,
    head_dim: 64,
  }),
  "Llama-3-8B": llama(4096, 14336, 32, 32, 8, 128256, { max_position_embeddings: 8192 }),
  "Mistral-7B-v0.1": llama(4096, 14336, 32, 32, 8, 32000, { model_type: "mistral" }),
  "Llama-2-7B": llama(4096, 11008, 32, 32, 32, 32000, { torch_dtype: "float16" }),
  "Orca-2-7B": llama(4096, 11008, 32, 32, 32, 32003),
  "Llama-2-13B": llama(5120, 13824, 40, 40, 40, 32000, { torch_dtype: "float16" }),
  "OpenLLaMA-3B": llama(3200, 8640, 26, 32, 32, 32000, { torch_dtype: "float16" }),
  "TinyLlama-1.1B": llama(2048, 5632, 22, 32, 4, 32000),
  "gemma-2-2b-it": llama(2304, 9216, 26, 8, 4, 256000, {
    model_type: "gemma2",
    head_dim: 256,
    tie_word_embeddings: true,
    sliding_window: 4096,
  }),
  "Qwen3-0.6B": llama(1024, 3072, 28, 16, 8, 151936, {
    model_type: "qwen3",
    head_dim: 128,
    tie_word_embeddings: true,
  }),
  "Qwen2.5-0.5B-Instruct": llama(896, 4864, 24, 14, 2, 151936, {
    model_type: "qwen2",
    tie_word_embeddings: true,
  }),
  "Qwen3-30B-A3B": llama(2048, 6144, 48, 32, 4, 151936, {
    model_type: "qwen3_moe",
    head_dim: 128,
    num_experts: 128,
    num_experts_per_tok: 8,
    moe_intermediate_size: 768,
    decoder_sparse_step: 1,
    mlp_only_layers: [],
  }),
  "gpt-oss-20b": llama(2880, 2880, 24, 64, 8, 201088, {
    model_type: "gpt_oss",
    head_dim: 64,
    num_local_experts: 32,
    num_experts_per_tok: 4,
    quantization_config: {
      modules_to_not_convert: [
        "model.layers.*.self_attn",
        "model.layers.*.mlp.router",
        "model.embed_tokens",
        "lm_head",
      ],
      quant_method: "mxfp4",
    },
  }),
  "gpt-oss-120b": llama(2880, 2880, 36, 64, 8, 201088, {
    model_type: "gpt_oss",
    head_dim: 64,
    num_local_experts: 128,
    num_experts_per_tok: 4,
    quantization_config: { quant_method: "mxfp4" },
  }),
  "DeepSeek-V3": {
    model_type: "deepseek_v3",
    hidden_size: 7168,
    intermediate_size: 18432,
    moe_intermediate_size: 2048,
    num_hidden_layers: 61,
    num_nextn_predict_layers: 1,
    num_attention_heads: 128,
    num_key_value_heads: 128,
    n_routed_experts: 256,
    n_shared_experts: 1,
    num_experts_per_tok: 8,
    first_k_dense_replace: 3,
    moe_layer_freq: 1,
    q_lora_rank: 1536,
    kv_lora_rank: 512,
    qk_nope_head_dim: 128,
    qk_rope_head_dim: 64,
    v_head_dim: 128,
    vocab_size: 129280,
    tie_word_embeddings: false,
    torch_dtype: "bfloat16",
    quantization_config: FP8_BLOCK,
  },
  "MiniMax-M2.5": {
    model_type: "minimax_m2",
    hidden_size: 3072,
    intermediate_size: 1536,
    num_hidden_layers: 62,
    num_attention_heads: 48,
    num_key_value_heads: 8,
    head_dim: 128,
    num_local_experts: 256,
    num_experts_per_tok: 8,
    vocab_size: 200064,
    tie_word_embeddings: false,
    torch_dtype: "bfloat16",
    quantization_config: {
      ...FP8_BLOCK,
      modules_to_not_convert: ["gate", "e_score_correction_bias", "lm_head"],
    },
  },
  "Qwen3-235B-A22B-FP8": llama(4096, 12288, 94, 64, 4, 151936, {
    model_type: "qwen3_moe",
    head_dim: 128,
    num_experts: 128,
    num_experts_per_tok: 8,
    moe_intermediate_size: 1536,
    decoder_sparse_step: 1,
    mlp_only_layers: [],
    quantization_config: FP8_BLOCK,
  }),
  "Phi-3-mini-4k-instruct": llama(3072, 8192, 32, 32, 32, 32064, { model_type: "phi3" }),
};

/** The model of one of these configs, with keys added. */
export function modelOf(name: string, more: Readonly<Record<string, unknown>> = {}): Architecture {
  return readArchitecture(configOf(name, more), name);
}

export function configOf(name: string, more: Readonly<Record<string, unknown>> = {}) {
  const config = CONFIGS[name];
  if (config === undefined) throw new Error(`no config of ${name}`);
  return { ...config, ...more };
}
