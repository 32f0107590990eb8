/** What recurrent mixers keep for backward, counted by hand from the lists that their kernels save. */
import { describe, expect, test } from "vitest";
import { readArchitecture } from "../../../src/index.ts";
import { keptBytes } from "./kept.ts";

const T = 2048;
const H = 1024;
const F = 2048;

/** Bytes that one more layer keeps when everything trains in bf16. */
function perLayer(configOf: (layers: number) => Record<string, unknown>): number {
  const [two, three] = [2, 3].map((layers) => {
    const model = readArchitecture({
      hidden_size: H,
      num_hidden_layers: layers,
      num_attention_heads: 8,
      num_key_value_heads: 8,
      head_dim: 128,
      intermediate_size: F,
      vocab_size: 1024,
      max_position_embeddings: 4096,
      tie_word_embeddings: false,
      ...configOf(layers),
    });
    return keptBytes(model, { method: "full", attention: "sdpa", batch: 1, seqTokens: T });
  });
  return three! - two!;
}

const up = (bytes: number): number => Math.ceil(bytes / 512) * 512;
const sum = (...bytes: readonly number[]): number => bytes.reduce((total, b) => total + up(b), 0);

/** fp32 x, the deviation, the normed x that the weight's gradient needs, and an fp32 copy of the weight. */
const wideNorm = sum(4 * T * H, 4 * T, 4 * T * H, 4 * H);
const norm = sum(4 * T * H, 4 * T, 2 * T * H);
/** x, gate, up, silu(gate) and down's input. */
const mlp = sum(2 * T * H, ...Array<number>(4).fill(2 * T * F));

describe("one more layer keeps", () => {
  test("gated DeltaNet: conv input, normed q and k, v, solved chunks, gates", () => {
    const [nk, nv, d] = [4, 8, 128];
    const [kd, vd] = [nk * d, nv * d];
    const kept = perLayer((layers) => ({
      model_type: "qwen3_next",
      layer_types: Array<string>(layers).fill("linear_attention"),
      mlp_only_layers: [0, 1, 2],
      linear_num_key_heads: nk,
      linear_num_value_heads: nv,
      linear_key_head_dim: d,
      linear_value_head_dim: d,
      linear_conv_kernel_dim: 4,
    }));
    const products = sum(2 * T * H, 2 * T * (2 * kd + vd));
    const kernel = sum(
      ...[2 * T * nv * d, 4 * T * nv, 2 * T * nv * d, 4 * T * nv],
      2 * T * vd,
      2 * T * nv * 64,
      4 * T * nv,
      2 * T * nv,
    );
    const decay = sum(4 * T * nv, 4 * T * nv, 4 * nv);
    // fp32 x, its deviation, the normed x for the weight, the product with the weight, fp32 z and its silu; out_proj's input.
    const gated = sum(4 * T * vd, 4 * T * nv, 2 * T * vd, 4 * T * vd, 2 * T * vd, 4 * T * vd);
    const output = gated + sum(2 * T * vd);
    expect(kept).toBe(2 * wideNorm + mlp + products + kernel + decay + output);
  });

  test("Mamba-2: the input product, the scan's output, a deviation per group", () => {
    const [heads, head, n] = [32, 64, 128];
    const d = heads * head;
    const kept = perLayer(() => ({
      model_type: "bamba",
      mamba_n_heads: heads,
      mamba_d_head: head,
      mamba_n_groups: 1,
      mamba_d_state: n,
      mamba_d_conv: 4,
      mamba_expand: d / H,
      attn_layer_indices: [],
    }));
    expect(kept).toBe(2 * norm + mlp + sum(2 * T * H, 2 * T * (2 * d + 2 * n + heads), 2 * T * d, 4 * T));
  });

  test("Mamba: the input product made contiguous, the small product, B, C, the states of 2,048 tokens, the scan's output", () => {
    const [d, n, rank] = [2 * H, 16, 64];
    const kept = perLayer(() => ({
      model_type: "mamba",
      intermediate_size: d,
      state_size: n,
      time_step_rank: rank,
      conv_kernel: 4,
      expand: 2,
    }));
    expect(kept).toBe(
      norm +
        sum(2 * T * H, 2 * T * 2 * d, 2 * T * (rank + 2 * n), 2 * T * n, 2 * T * n, 2 * T * d, 4 * 2 * d * n),
    );
  });

  test("Jamba: copies for the scan beside what convolution and small product keep", () => {
    const [d, n, rank] = [2 * H, 16, 64];
    const kept = perLayer(() => ({
      model_type: "jamba",
      attn_layer_period: 8,
      attn_layer_offset: 7,
      expert_layer_period: 8,
      expert_layer_offset: 7,
      num_experts: 1,
      num_experts_per_tok: 1,
      mamba_d_state: n,
      mamba_d_conv: 4,
      mamba_expand: 2,
      mamba_dt_rank: rank,
    }));
    const small = (width: number): number => sum(4 * T * width, 4 * T, 2 * T * width);
    const norms = small(rank) + small(n) + small(n);
    const scan = sum(...Array<number>(5).fill(2 * T * d), 2 * T * n, 2 * T * n, 4 * 2 * d * n);
    const products = sum(2 * T * H, 2 * T * 2 * d, 2 * T * d, 2 * T * rank);
    expect(kept).toBe(2 * norm + mlp + norms + scan + products);
  });

  test("Nemotron-H: blocks of one part, each behind its norm", () => {
    const [heads, head, n, groups] = [32, 64, 128, 8];
    const d = heads * head;
    const kept = perLayer((layers) => ({
      model_type: "nemotron_h",
      hybrid_override_pattern: "M-".repeat(layers),
      num_hidden_layers: 2 * layers,
      mamba_num_heads: heads,
      mamba_head_dim: head,
      n_groups: groups,
      ssm_state_size: n,
      conv_kernel: 4,
      mlp_hidden_act: "relu2",
    }));
    const mamba = sum(2 * T * H, 2 * T * (2 * d + 2 * groups * n + heads), 2 * T * d, 4 * T * groups);
    expect(kept).toBe(2 * norm + mamba + sum(2 * T * H, 2 * T * F, 2 * T * F));
  });

  test("Kimi delta attention: one convolution, a decay for every channel, both products of a chunk", () => {
    const [heads, d] = [8, 128];
    const P = heads * d;
    const kept = perLayer((layers) => ({
      model_type: "kimi_linear",
      num_experts: 8,
      num_experts_per_token: 2,
      num_shared_experts: 1,
      moe_intermediate_size: 512,
      moe_layer_freq: 1,
      first_k_dense_replace: 9,
      linear_attn_config: {
        full_attn_layers: [],
        kda_layers: Array.from({ length: layers }, (_, i) => i + 1),
        head_dim: d,
        num_heads: heads,
        short_conv_kernel_size: 4,
      },
    }));
    const products = sum(2 * T * H, 3 * 2 * T * P, 2 * T * d, 2 * T * d);
    const kernel = sum(
      ...[2 * T * P, 4 * T * heads, 2 * T * P, 4 * T * heads],
      ...[2 * T * P, 4 * T * P, 2 * T * heads],
      ...[2 * T * heads * 64, 2 * T * heads * 64],
    );
    // exp(g), 1 + exp(g), g > 20, softplus, the gate, exp(A_log).
    const decay = sum(4 * T * P, 4 * T * P, T * P, 4 * T * P, 4 * T * P, 4 * heads);
    // fp32 x, its deviation, the normed x, an fp32 copy of the weight, their product, sigmoid(z); o_proj's input.
    const gated = sum(4 * T * P, 4 * T * heads, 4 * T * P, 4 * d, 4 * T * P, 4 * T * P);
    const output = gated + sum(2 * T * P);
    expect(kept).toBe(2 * norm + mlp + products + kernel + decay + output);
  });
});
