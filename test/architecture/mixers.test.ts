import { describe, expect, test } from "vitest";
import type { Mixer } from "../../src/architecture/mixers/mixer.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";

const base = {
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  intermediate_size: 100,
  vocab_size: 101,
};
const latent = {
  ...base,
  q_lora_rank: 20,
  kv_lora_rank: 16,
  qk_nope_head_dim: 12,
  qk_rope_head_dim: 8,
  v_head_dim: 10,
};
const routed = { moe_intermediate_size: 20, n_routed_experts: 8, num_experts_per_tok: 2 };

const read = (config: Readonly<Record<string, unknown>>): Architecture =>
  readArchitecture(config, "config.json");

/** The mixers of the decoder's layers in order. */
function mixersOf(model: Architecture): Mixer[] {
  const stack = model.stacks[0]!;
  return stack.runs.flatMap((run) => Array<Mixer>(run.count).fill(stack.kinds[run.kind]!.mixers[0]!));
}

describe("attention", () => {
  test("sliding layers hold the window, full ones do not: Gemma 3 with a period of 2", () => {
    const model = read({
      ...base,
      model_type: "gemma3_text",
      num_key_value_heads: 4,
      sliding_window: 16,
      sliding_window_pattern: 2,
    });
    expect(mixersOf(model).map((m) => (m.kind === "attention" ? m.windowTokens : "?"))).toEqual([
      16,
      undefined,
      16,
      undefined,
    ]);
  });

  test("Llama 4 sees chunks except in its layers without rotary", () => {
    const model = read({ ...base, model_type: "llama4_text", head_dim: 8, attention_chunk_size: 32 });
    expect(mixersOf(model).map((m) => (m.kind === "attention" ? m.chunkTokens : "?"))).toEqual([
      32,
      32,
      32,
      undefined,
    ]);
  });

  test("Falcon's new architecture keeps 2 KV heads and broadcasts them to 8 before transformers caches", () => {
    const falcon = { ...base, model_type: "falcon", num_kv_heads: 2 };
    expect(mixersOf(read({ ...falcon, new_decoder_architecture: true }))[0]).toMatchObject({
      kvHeads: 2,
      broadcastHeads: 8,
    });
    expect(mixersOf(read(falcon))[0]).toEqual(expect.objectContaining({ kvHeads: 1 }));
    expect(mixersOf(read(falcon))[0]).not.toHaveProperty("broadcastHeads");
  });

  test("MiMo-V2 has values narrower than keys, and twice the KV heads in its window", () => {
    const model = read({
      ...base,
      ...routed,
      model_type: "mimo_v2_flash",
      num_key_value_heads: 2,
      head_dim: 24,
      v_head_dim: 16,
    });
    expect(mixersOf(model).slice(0, 2)).toMatchObject([
      { kvHeads: 2, keyDim: 24, valueDim: 16 },
      { kvHeads: 4, keyDim: 24, valueDim: 16, windowTokens: 128 },
    ]);
  });

  test("MiniMax-M3 caches an index key in its sparse layers only", () => {
    const model = read({
      ...base,
      model_type: "minimax_m3_vl_text",
      num_key_value_heads: 4,
      num_local_experts: 6,
      sparse_attention_config: { sparse_attention_freq: [0, 0, 1, 1], sparse_index_dim: 16 },
    });
    expect(mixersOf(model).map((m) => (m.kind === "attention" ? m.indexKeyDim : "?"))).toEqual([
      undefined,
      undefined,
      16,
      16,
    ]);
  });

  test("a removed block of Nemotron-NAS has no cache and no norm", () => {
    const whole = { attention: { n_heads_in_group: 4 }, ffn: { ffn_mult: 2 } };
    const model = read({
      ...base,
      num_hidden_layers: 2,
      model_type: "nemotron-nas",
      block_configs: [whole, { ...whole, attention: { no_op: true } }],
    });
    const [full, bare] = model.stacks[0]!.kinds;
    expect(full!.mixers).toMatchObject([{ kvHeads: 2 }]);
    expect(bare!.mixers).toEqual([]);
    expect(bare!.tensors.map((t) => t.name)).not.toContain("input_layernorm.weight");
  });
});

describe("latent attention", () => {
  test("DeepSeek-V3 caches 16 + 8 per token and has no indexer, V3.2 has one in every layer", () => {
    const v3 = mixersOf(read({ ...latent, ...routed, model_type: "deepseek_v3" }))[0];
    expect(v3).toEqual({
      kind: "latent",
      queryHeads: 8,
      latentDim: 16,
      ropeDim: 8,
      nopeDim: 12,
      valueDim: 10,
      queryLatentDim: 20,
    });
    const v32 = mixersOf(
      read({ ...latent, ...routed, model_type: "deepseek_v32", index_n_heads: 4, index_head_dim: 16 }),
    );
    expect(v32.every((m) => m.kind === "latent" && m.indexer?.keyDim === 16 && m.indexer.heads === 4)).toBe(
      true,
    );
  });

  test("GLM-5 has an indexer only where it is full", () => {
    const model = read({
      ...latent,
      ...routed,
      model_type: "glm_moe_dsa",
      indexer_types: ["full", "shared", "shared", "full"],
    });
    expect(mixersOf(model).map((m) => m.kind === "latent" && m.indexer !== undefined)).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  test("a q_lora_rank of null is a full query projection of 64 * 8 * (12 + 8)", () => {
    const model = read({ ...latent, q_lora_rank: null, model_type: "minicpm3" });
    const query = model.stacks[0]!.kinds[0]!.tensors.find((t) => t.role === "attn-q");
    expect(query?.shape).toEqual([160, 64]);
    expect(mixersOf(model)[0]).not.toHaveProperty("queryLatentDim");
  });

  test("DeepSeek-V4 keeps a window everywhere, a latent per 4 or 128 tokens, an index where it is 4", () => {
    const model = read({
      ...base,
      ...routed,
      model_type: "deepseek_v4",
      head_dim: 32,
      q_lora_rank: 24,
      o_groups: 2,
      o_lora_rank: 16,
      compress_ratios: [0, 0, 4, 128, 0],
      num_hash_layers: 0,
    });
    expect(
      mixersOf(model).map((m) =>
        m.kind === "compressed" ? [m.windowTokens, m.ratio, m.indexer !== undefined] : [],
      ),
    ).toEqual([
      [128, 0, false],
      [128, 0, false],
      [128, 4, true],
      [128, 128, false],
    ]);
  });
});

describe("prediction layers are counted apart", () => {
  test("DeepSeek-V3: a layer, 3h of norms, 2h*h, and copies of embedding and head", () => {
    const model = read({
      ...latent,
      ...routed,
      model_type: "deepseek_v3",
      num_nextn_predict_layers: 1,
      first_k_dense_replace: 1,
    });
    const without = read({
      ...latent,
      ...routed,
      model_type: "deepseek_v3",
      num_nextn_predict_layers: 0,
      first_k_dense_replace: 1,
    });
    expect(model.parameters.total).toBe(without.parameters.total);
    expect(without.parameters.mtp).toBe(0);
    const longer = read({
      ...latent,
      ...routed,
      model_type: "deepseek_v3",
      num_hidden_layers: 5,
      first_k_dense_replace: 1,
    });
    const layer = longer.parameters.stored - without.parameters.stored;
    expect(model.parameters.mtp).toBe(layer + 3 * 64 + 2 * 64 * 64 + 2 * 101 * 64);
  });
});
