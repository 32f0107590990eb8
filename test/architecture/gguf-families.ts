/**
 * Metadata and tensors that llama.cpp's convert_hf_to_gguf writes for a config, by family. Shapes are row-major
 * (innermost last), as the reader gives them. Names and keys from gguf-py constants (August 2026).
 */
import { findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { GgufModelFile } from "../../src/architecture/gguf-keys.ts";

type Shapes = Readonly<Record<string, readonly number[]>>;

export interface GgufFamily {
  readonly config: Readonly<Record<string, unknown>>;
  readonly arch: string;
  readonly keys: Readonly<Record<string, number | readonly number[] | readonly boolean[]>>;
  /** Names get ".weight" where they have no other ending. */
  readonly outside: Shapes;
  readonly layers: readonly Shapes[];
  /** Parameters of the class that no GGUF file holds: a pooler. */
  readonly dropped?: number;
}

const catalogue = (name: string): Readonly<Record<string, unknown>> =>
  findCatalogueEntry(name)!.entry.config as Readonly<Record<string, unknown>>;

const layersOf = (count: number, layer: (index: number) => Shapes): readonly Shapes[] =>
  Array.from({ length: count }, (_, index) => layer(index));

const heads = (h: number, q: number, kv: number, d: number): Shapes => ({
  attn_q: [q * d, h],
  attn_k: [kv * d, h],
  attn_v: [kv * d, h],
  attn_output: [h, q * d],
});
const gated = (h: number, f: number): Shapes => ({ ffn_gate: [f, h], ffn_up: [f, h], ffn_down: [h, f] });
const experts = (e: number, h: number, f: number): Shapes => ({
  ffn_gate_inp: [e, h],
  ffn_gate_exps: [e, f, h],
  ffn_up_exps: [e, f, h],
  ffn_down_exps: [e, h, f],
});
const norms = (h: number, ...names: string[]): Shapes => Object.fromEntries(names.map((name) => [name, [h]]));
const ends = (h: number, vocab: number, head: boolean): Shapes => ({
  token_embd: [vocab, h],
  output_norm: [h],
  ...(head ? { output: [vocab, h] } : {}),
});
const mamba1 = (h: number, inner: number, state: number, rank: number): Shapes => ({
  ssm_in: [2 * inner, h],
  ssm_conv1d: [inner, 4],
  "ssm_conv1d.bias": [inner],
  ssm_x: [rank + 2 * state, inner],
  ssm_dt: [inner, rank],
  "ssm_dt.bias": [inner],
  "ssm_a.": [inner, state],
  "ssm_d.": [inner],
  ssm_out: [h, inner],
});
const mamba2 = (h: number, inner: number, count: number, channels: number): Shapes => ({
  ssm_in: [inner + channels + count, h],
  ssm_conv1d: [channels, 4],
  "ssm_conv1d.bias": [channels],
  "ssm_dt.bias": [count],
  "ssm_a.": [count, 1],
  "ssm_d.": [count, 1],
  ssm_out: [h, inner],
});
const ssmKeys = (inner: number, state: number, rank: number, groups?: number) => ({
  "ssm.conv_kernel": 4,
  "ssm.inner_size": inner,
  "ssm.state_size": state,
  "ssm.time_step_rank": rank,
  ...(groups === undefined ? {} : { "ssm.group_count": groups }),
});

const LLAMA_LAYER: Shapes = {
  ...norms(4096, "attn_norm", "ffn_norm"),
  ...heads(4096, 32, 8, 128),
  ...gated(4096, 14336),
};
const NEMOTRON = "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME";
const LFM2_ATTENTION = [2, 5, 8, 10, 12, 14];
const LLAMA_KEYS = { "attention.head_count": 32, "attention.head_count_kv": 8 };

export const GGUF_FAMILIES: Readonly<Record<string, GgufFamily>> = {
  "llama 3.1 8B": {
    config: catalogue("llama-3.1-8b"),
    arch: "llama",
    keys: { embedding_length: 4096, ...LLAMA_KEYS, "rope.dimension_count": 128 },
    outside: { ...ends(4096, 128256, true), rope_freqs: [64] },
    layers: layersOf(32, () => LLAMA_LAYER),
  },
  "qwen2.5 0.5B, tied, biases": {
    config: catalogue("qwen2.5-0.5b"),
    arch: "qwen2",
    keys: { embedding_length: 896, "attention.head_count": 14, "attention.head_count_kv": 2 },
    outside: ends(896, 151936, false),
    layers: layersOf(24, () => ({
      ...norms(896, "attn_norm", "ffn_norm"),
      ...heads(896, 14, 2, 64),
      "attn_q.bias": [896],
      "attn_k.bias": [128],
      "attn_v.bias": [128],
      ...gated(896, 4864),
    })),
  },
  "qwen3 30B-A3B, experts": {
    config: catalogue("qwen3-30b-a3b"),
    arch: "qwen3moe",
    keys: {
      embedding_length: 2048,
      "attention.head_count": 32,
      "attention.head_count_kv": 4,
      "attention.key_length": 128,
      "attention.value_length": 128,
      expert_count: 128,
      expert_used_count: 8,
    },
    outside: ends(2048, 151936, true),
    layers: layersOf(48, () => ({
      ...norms(2048, "attn_norm", "ffn_norm"),
      ...norms(128, "attn_q_norm", "attn_k_norm"),
      ...heads(2048, 32, 4, 128),
      ...experts(128, 2048, 768),
    })),
  },
  "gemma 3 1B, five of six layers slide": {
    config: catalogue("gemma-3-1b"),
    arch: "gemma3",
    keys: {
      embedding_length: 1152,
      "attention.head_count": 4,
      "attention.head_count_kv": 1,
      "attention.key_length": 256,
      "attention.value_length": 256,
      "attention.sliding_window": 512,
    },
    outside: ends(1152, 262144, false),
    layers: layersOf(26, () => ({
      ...norms(1152, "attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"),
      ...norms(256, "attn_q_norm", "attn_k_norm"),
      ...heads(1152, 4, 1, 256),
      ...gated(1152, 6912),
    })),
  },
  "deepseek-v2-lite, latent attention": {
    config: catalogue("deepseek-v2-lite"),
    arch: "deepseek2",
    keys: {
      embedding_length: 2048,
      "attention.head_count": 16,
      "attention.head_count_kv": 1,
      "attention.kv_lora_rank": 512,
      "attention.key_length": 576,
      "attention.value_length": 512,
      "attention.key_length_mla": 192,
      "attention.value_length_mla": 128,
      "rope.dimension_count": 64,
      expert_used_count: 6,
      leading_dense_block_count: 1,
    },
    outside: ends(2048, 102400, true),
    layers: layersOf(27, (index) => ({
      ...norms(2048, "attn_norm", "ffn_norm"),
      attn_q: [16 * 192, 2048],
      attn_kv_a_mqa: [576, 2048],
      attn_kv_a_norm: [512],
      attn_k_b: [16, 512, 128],
      attn_v_b: [16, 128, 512],
      attn_output: [2048, 2048],
      ...(index === 0
        ? gated(2048, 10944)
        : {
            ...experts(64, 2048, 1408),
            ffn_gate_shexp: [2816, 2048],
            ffn_up_shexp: [2816, 2048],
            ffn_down_shexp: [2048, 2816],
          }),
    })),
  },
  "gpt-oss 20B, every other layer slides, sinks": {
    config: catalogue("gpt-oss-20b"),
    arch: "gpt-oss",
    keys: {
      embedding_length: 2880,
      "attention.head_count": 64,
      "attention.head_count_kv": 8,
      "attention.key_length": 64,
      "attention.value_length": 64,
      "attention.sliding_window": 128,
      expert_used_count: 4,
    },
    outside: ends(2880, 201088, true),
    layers: layersOf(24, () => ({
      ...norms(2880, "attn_norm", "post_attention_norm", "attn_output.bias"),
      ...heads(2880, 64, 8, 64),
      "attn_q.bias": [4096],
      "attn_k.bias": [512],
      "attn_v.bias": [512],
      attn_sinks: [64],
      ...experts(32, 2880, 2880),
      "ffn_gate_inp.bias": [32],
      "ffn_gate_exps.bias": [32, 2880],
      "ffn_up_exps.bias": [32, 2880],
      "ffn_down_exps.bias": [32, 2880],
    })),
  },
  "mamba 130M": {
    config: {
      model_type: "mamba",
      hidden_size: 768,
      intermediate_size: 1536,
      num_hidden_layers: 24,
      state_size: 16,
      conv_kernel: 4,
      time_step_rank: 48,
      vocab_size: 50280,
    },
    arch: "mamba",
    keys: { embedding_length: 768, "attention.head_count": 0, ...ssmKeys(1536, 16, 48) },
    outside: ends(768, 50280, false),
    layers: layersOf(24, () => ({ attn_norm: [768], ...mamba1(768, 1536, 16, 48) })),
  },
  "jamba, one of eight layers attends, every other has experts": {
    config: {
      model_type: "jamba",
      hidden_size: 256,
      intermediate_size: 512,
      num_hidden_layers: 8,
      num_attention_heads: 8,
      num_key_value_heads: 2,
      vocab_size: 1000,
      num_experts: 4,
      num_experts_per_tok: 2,
      mamba_dt_rank: 16,
      tie_word_embeddings: false,
    },
    arch: "jamba",
    keys: {
      embedding_length: 256,
      "attention.head_count": 8,
      "attention.head_count_kv": [0, 0, 0, 0, 2, 0, 0, 0],
      expert_used_count: 2,
      ...ssmKeys(512, 16, 16),
    },
    outside: ends(256, 1000, true),
    layers: layersOf(8, (index) => ({
      ...norms(256, "attn_norm", "ffn_norm"),
      ...(index === 4
        ? heads(256, 8, 2, 32)
        : { ...mamba1(256, 512, 16, 16), ...norms(16, "ssm_dt_norm", "ssm_b_norm", "ssm_c_norm") }),
      ...(index % 2 === 1 ? experts(4, 256, 512) : gated(256, 512)),
    })),
  },
  "falcon-h1 0.5B, attention and mamba in every layer": {
    config: {
      model_type: "falcon_h1",
      hidden_size: 1024,
      intermediate_size: 2048,
      num_hidden_layers: 36,
      num_attention_heads: 8,
      num_key_value_heads: 2,
      head_dim: 64,
      vocab_size: 32784,
      mamba_d_ssm: 1536,
      mamba_d_state: 128,
      mamba_n_heads: 24,
      mamba_d_head: 64,
      mamba_n_groups: 1,
      mamba_rms_norm: false,
      tie_word_embeddings: true,
    },
    arch: "falcon-h1",
    keys: {
      embedding_length: 1024,
      "attention.head_count": 8,
      "attention.head_count_kv": 2,
      "attention.key_length": 64,
      "attention.value_length": 64,
      ...ssmKeys(1536, 128, 24, 1),
    },
    outside: ends(1024, 32784, false),
    layers: layersOf(36, () => ({
      ...norms(1024, "attn_norm", "ffn_norm"),
      ...heads(1024, 8, 2, 64),
      ...mamba2(1024, 1536, 24, 1792),
      ...gated(1024, 2048),
    })),
  },
  "nemotron-h 3 nano: mamba2, experts or attention alone": {
    config: catalogue("nemotron-3-nano-30b-a3b"),
    arch: "nemotron_h_moe",
    keys: {
      embedding_length: 2688,
      "attention.head_count": 32,
      "attention.head_count_kv": [...NEMOTRON].map((kind) => (kind === "*" ? 2 : 0)),
      "attention.key_length": 128,
      "attention.value_length": 128,
      feed_forward_length: [...NEMOTRON].map((kind) => (kind === "E" ? 1856 : 0)),
      expert_used_count: 6,
      ...ssmKeys(4096, 128, 64, 8),
    },
    outside: ends(2688, 131072, true),
    layers: layersOf(NEMOTRON.length, (index) => ({
      attn_norm: [2688],
      ...(NEMOTRON[index] === "M"
        ? { ...mamba2(2688, 4096, 64, 6144), ssm_norm: [8, 512] }
        : NEMOTRON[index] === "*"
          ? heads(2688, 32, 2, 128)
          : {
              ffn_gate_inp: [128, 2688],
              "exp_probs_b.bias": [128],
              ffn_up_exps: [128, 1856, 2688],
              ffn_down_exps: [128, 2688, 1856],
              ffn_up_shexp: [3712, 2688],
              ffn_down_shexp: [2688, 3712],
            }),
    })),
  },
  "lfm2 1.2B, short convolutions": {
    config: {
      model_type: "lfm2",
      hidden_size: 2048,
      num_hidden_layers: 16,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      intermediate_size: 12288,
      block_auto_adjust_ff_dim: true,
      block_ffn_dim_multiplier: 1,
      block_multiple_of: 256,
      vocab_size: 65536,
      conv_L_cache: 3,
      conv_bias: false,
      full_attn_idxs: LFM2_ATTENTION,
    },
    arch: "lfm2",
    keys: {
      embedding_length: 2048,
      "attention.head_count": 32,
      "attention.head_count_kv": Array.from({ length: 16 }, (_, i) => (LFM2_ATTENTION.includes(i) ? 8 : 0)),
      "shortconv.l_cache": 3,
    },
    outside: { token_embd: [65536, 2048], token_embd_norm: [2048] },
    layers: layersOf(16, (index) => ({
      ...norms(2048, "attn_norm", "ffn_norm"),
      ...(LFM2_ATTENTION.includes(index)
        ? { ...heads(2048, 32, 8, 64), ...norms(64, "attn_q_norm", "attn_k_norm") }
        : {
            "shortconv.conv": [2048, 3],
            "shortconv.in_proj": [6144, 2048],
            "shortconv.out_proj": [2048, 2048],
          }),
      ...gated(2048, 8192),
    })),
  },
  "granite 4 hybrid, experts and a shared one": {
    config: {
      model_type: "granitemoehybrid",
      hidden_size: 1536,
      num_hidden_layers: 4,
      layer_types: ["mamba", "attention", "mamba", "mamba"],
      num_attention_heads: 12,
      num_key_value_heads: 4,
      intermediate_size: 512,
      shared_intermediate_size: 1024,
      num_local_experts: 64,
      num_experts_per_tok: 6,
      vocab_size: 100352,
      mamba_d_state: 128,
      mamba_n_heads: 48,
      mamba_d_head: 64,
      mamba_n_groups: 1,
      tie_word_embeddings: true,
    },
    arch: "granitehybrid",
    keys: {
      embedding_length: 1536,
      "attention.head_count": 12,
      "attention.head_count_kv": [0, 4, 0, 0],
      expert_used_count: 6,
      ...ssmKeys(3072, 128, 48, 1),
    },
    outside: ends(1536, 100352, false),
    layers: layersOf(4, (index) => ({
      ...norms(1536, "attn_norm", "ffn_norm"),
      ...(index === 1 ? heads(1536, 12, 4, 128) : { ...mamba2(1536, 3072, 48, 3328), ssm_norm: [1, 3072] }),
      ...experts(64, 1536, 512),
      ffn_gate_shexp: [1024, 1536],
      ffn_up_shexp: [1024, 1536],
      ffn_down_shexp: [1536, 1024],
    })),
  },
  "qwen3-next 80B-A3B, a delta rule in three of four layers": {
    config: catalogue("qwen3-next-80b-a3b"),
    arch: "qwen3next",
    keys: {
      embedding_length: 2048,
      "attention.head_count": 16,
      "attention.head_count_kv": 2,
      "attention.key_length": 256,
      "attention.value_length": 256,
      expert_used_count: 10,
      ...ssmKeys(4096, 128, 32, 16),
    },
    outside: ends(2048, 151936, true),
    layers: layersOf(48, (index) => ({
      ...norms(2048, "attn_norm", "post_attention_norm"),
      ...(index % 4 === 3
        ? { ...heads(2048, 16, 2, 256), attn_q: [8192, 2048], ...norms(256, "attn_q_norm", "attn_k_norm") }
        : {
            attn_qkv: [8192, 2048],
            attn_gate: [4096, 2048],
            ssm_conv1d: [8192, 4],
            "ssm_a.": [32],
            "ssm_dt.bias": [32],
            ssm_ba: [64, 2048],
            ssm_norm: [128],
            ssm_out: [2048, 4096],
          }),
      ...experts(512, 2048, 512),
      ffn_gate_inp_shexp: [2048],
      ffn_gate_shexp: [512, 2048],
      ffn_up_shexp: [512, 2048],
      ffn_down_shexp: [2048, 512],
    })),
  },
  "phi-4, fused q, k, v and gate": {
    config: catalogue("phi-4"),
    arch: "phi3",
    keys: { embedding_length: 5120, "attention.head_count": 40, "attention.head_count_kv": 10 },
    outside: ends(5120, 100352, true),
    layers: layersOf(40, () => ({
      ...norms(5120, "attn_norm", "ffn_norm"),
      attn_qkv: [7680, 5120],
      attn_output: [5120, 5120],
      ffn_up: [35840, 5120],
      ffn_down: [5120, 17920],
    })),
  },
  "command-r, tied, one norm": {
    config: catalogue("command-r"),
    arch: "command-r",
    keys: { embedding_length: 8192, "attention.head_count": 64, "attention.head_count_kv": 64 },
    outside: ends(8192, 256000, false),
    layers: layersOf(40, () => ({
      attn_norm: [8192],
      ...heads(8192, 64, 64, 128),
      ...gated(8192, 22528),
    })),
  },
  "bert, no cache": {
    config: {
      model_type: "bert",
      architectures: ["BertModel"],
      hidden_size: 384,
      num_hidden_layers: 6,
      num_attention_heads: 12,
      intermediate_size: 1536,
      vocab_size: 30522,
      max_position_embeddings: 512,
      type_vocab_size: 2,
    },
    arch: "bert",
    keys: { embedding_length: 384, "attention.head_count": 12, context_length: 512 },
    outside: {
      token_embd: [30522, 384],
      position_embd: [512, 384],
      token_types: [2, 384],
      ...norms(384, "token_embd_norm", "token_embd_norm.bias"),
    },
    layers: layersOf(6, () => ({
      ...heads(384, 12, 12, 32),
      ...norms(384, "attn_q.bias", "attn_k.bias", "attn_v.bias", "attn_output.bias"),
      ...norms(384, "attn_output_norm", "attn_output_norm.bias"),
      ...norms(384, "layer_output_norm", "layer_output_norm.bias", "ffn_down.bias"),
      ffn_up: [1536, 384],
      "ffn_up.bias": [1536],
      ffn_down: [384, 1536],
    })),
    dropped: 384 * 384 + 384,
  },
};

/** The header as the reader gives it. */
export function ggufHeader(family: GgufFamily): GgufModelFile {
  const { arch, keys, outside, layers } = family;
  const metadata = new Map<string, unknown>([
    ["general.architecture", arch],
    [`${arch}.block_count`, layers.length],
  ]);
  for (const [key, value] of Object.entries(keys))
    metadata.set(`${arch}.${key}`, typeof value === "number" ? value : { values: value });
  const named = (name: string): string =>
    name.endsWith(".") ? name.slice(0, -1) : name.endsWith(".bias") ? name : `${name}.weight`;
  const tensors = [outside, ...layers].flatMap((shapes, at) =>
    Object.entries(shapes).map(([name, rowMajorShape]) => ({
      name: at === 0 ? named(name) : `blk.${at - 1}.${named(name)}`,
      rowMajorShape,
    })),
  );
  return { metadata, vocabularyTokens: null, tensors };
}
