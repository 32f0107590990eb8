import { describe, expect, test } from "vitest";
import { LLAVA_ORIGINALS } from "../../src/architecture/families/llava-original.ts";
import { REMOTE_COMPOSITES } from "../../src/architecture/families/remote-vision.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import * as models from "./remote-models.ts";

const total = (config: object): number => readArchitecture(config, "config.json").parameters.total;
const termOf = (config: object, id: string, contextTokens: number): number | undefined =>
  estimate(readArchitecture(config, "config.json"), { contextTokens }).devices[0]!.terms.find(
    (term) => term.id === id,
  )?.bytes;
const cacheOf = (config: object, contextTokens: number) => termOf(config, "kv-cache", contextTokens);

const {
  TELECHAT_7B,
  PLAMO_2_1B,
  PLAMO_3,
  MOTIF_2_6B,
  OURO_1_4B,
  PANGU_EMBEDDED_7B,
  PANGU_PRO_MOE,
  STEP_1,
  STEP_3_TEXT,
  HUNYUAN_LARGE,
} = models;

describe("the digits that publishers state", () => {
  test.each<[string, number, object]>([
    ["PLaMo 2 1B: 1.29 billion", 1.29e9, PLAMO_2_1B],
    ["Motif 2.6B", 2.6e9, MOTIF_2_6B],
    ["Ouro 1.4B", 1.43e9, OURO_1_4B],
    ["Pangu Pro MoE: 71.99 billion", 71.99e9, PANGU_PRO_MOE],
    ["Step 3, the language model: 316 billion", 316e9, STEP_3_TEXT],
    ["Step 3, all of it: 321 billion", 321e9, models.STEP_3_VL],
    ["Hunyuan-Large: 389 billion", 389e9, HUNYUAN_LARGE],
    ["CogVLM: 17.6 billion", 17.6e9, models.COGVLM_17B],
    ["CogVLM 2: 19.5 billion", 19.5e9, models.COGVLM2_19B],
    ["GLM-4V-9B: 13.9 billion", 13.9e9, models.GLM_4V_9B],
    ["LLaVA-OneVision 7B: 8.03 billion", 8.03e9, models.LLAVA_OV_7B],
    ["DeepSeek-VL2-Tiny: 3.37 billion", 3.37e9, models.DEEPSEEK_VL2_TINY],
    ["DeepSeek-VL2-Small: 16.1 billion", 16.1e9, models.DEEPSEEK_VL2_SMALL],
    ["NVLM-D-72B: 79 billion", 79e9, models.NVLM_D_72B],
  ])("%s", (_, stated, config) => {
    expect(Math.abs(total(config) / stated - 1)).toBeLessThan(0.004);
  });

  test("LLaVA-1.5-7B is the converted model of transformers, 7,063,427,072, less 64 rows of embedding and head", () => {
    expect(total(models.LLAVA_15_7B)).toBe(7_063_427_072 - 2 * 64 * 4096);
  });
});

describe("decoders, summed by hand", () => {
  test("TeleChat 7B: biases of 2 x 4096 in each of 30 layers, tied", () => {
    const layer = 4 * 4096 ** 2 + 3 * 4096 * 12_288 + 2 * 4096 + 2 * 4096;
    expect(total(TELECHAT_7B)).toBe(160_256 * 4096 + 30 * layer + 4096);
    expect(total({ ...TELECHAT_7B, embed_layernorm: true }) - total(TELECHAT_7B)).toBe(4096);
    expect(total({ ...TELECHAT_7B, tie_word_embeddings: false }) - total(TELECHAT_7B)).toBe(160_256 * 4096);
    expect(cacheOf({ ...TELECHAT_7B, num_key_value_heads: 8 }, 1000)).toBe(1000 * 30 * 2 * 8 * 128 * 2);
  });

  test("PLaMo 2 1B: Mamba and attention by turns, four norms and an MLP in each layer, tied", () => {
    const mamba = 2048 * 8192 + 4096 * 4 + 4096 * (128 + 128) + 128 * 32 + 3 * 32 + 256 + 4096 * 2048;
    const attention = 2048 * (16 + 2) * 128 + 2048 ** 2 + (16 + 1) * 128;
    const rest = 3 * 2048 * 8192 + 4 * 2048;
    expect(total(PLAMO_2_1B)).toBe(100_000 * 2048 + 8 * (mamba + attention + 2 * rest) + 2048);
    expect(cacheOf(PLAMO_2_1B, 1000)).toBe(1000 * 8 * 2 * 128 * 2);
    // Three columns of 4096 channels in fp16 and 4096 x 64 elements in the format of the cache.
    expect(termOf(PLAMO_2_1B, "recurrent-state", 1000)).toBeGreaterThanOrEqual(
      8 * (3 * 4096 + 4096 * 64) * 2,
    );
  });

  test("PLaMo 2 attends in the last layer when there are fewer than half a step", () => {
    const few = { ...PLAMO_2_1B, num_hidden_layers: 2, mamba_step: 8 };
    expect(cacheOf(few, 1000)).toBe(1000 * 2 * 128 * 2);
    const all = { ...few, mamba_enabled: false };
    expect(cacheOf(all, 1000)).toBe(2 * 1000 * 2 * 128 * 2);
  });

  test("PLaMo 3: three of 24 layers see more than 2,048 tokens", () => {
    const layer = 2048 * (16 + 4) * 128 + 2048 ** 2 + 2 * 128 + 3 * 2048 * 8192 + 4 * 2048;
    expect(total(PLAMO_3)).toBe(107_008 * 2048 + 24 * layer + 2048);
    expect(cacheOf(PLAMO_3, 8192)).toBe((3 * 8192 + 21 * 2048) * 2 * 2 * 128 * 2);
  });

  test("Motif: four vectors of one head, a norm of two and PolyNorm's 4 numbers beside llama's layer", () => {
    const layer = 4 * 2048 ** 2 + 3 * 2048 * 8192 + 2 * 2048 + 4 * 128 + 2 * 128 + 4;
    expect(total(MOTIF_2_6B)).toBe(219_520 * 2048 + 32 * layer + 2048);
  });

  test("Ouro: 24 layers run four times and keep 96 caches", () => {
    const layer = 4 * 2048 ** 2 + 3 * 2048 * 5632 + 4 * 2048;
    expect(total(OURO_1_4B)).toBe(2 * 49_152 * 2048 + 24 * layer + 2048 + 2048 + 1);
    expect(cacheOf(OURO_1_4B, 1000)).toBe(4 * 24 * 1000 * 2 * 2048 * 2);
  });

  test("Pangu Embedded: q, k, v and o with biases", () => {
    const attention = 2 * 4096 ** 2 + 2 * 1024 * 4096 + 2 * 4096 + 2 * 1024;
    const layer = attention + 3 * 4096 * 12_800 + 2 * 4096;
    expect(total(PANGU_EMBEDDED_7B)).toBe(2 * 153_376 * 4096 + 34 * layer + 4096);
  });

  test("Pangu Pro MoE: 64 experts, a scale each, and a shared one of four times their width", () => {
    const attention = 2 * 5120 ** 2 + 2 * 1024 * 5120 + 2 * 5120 + 2 * 1024;
    const experts = 64 * 5120 + 64 + 64 * 3 * 5120 * 1344 + 3 * 5120 * 5376;
    expect(total(PANGU_PRO_MOE)).toBe(2 * 153_376 * 5120 + 48 * (attention + experts + 2 * 5120) + 5120);
  });

  test("Step 1: two KV heads of 64, tied", () => {
    const layer = 2 * 1024 ** 2 + 2 * 128 * 1024 + 3 * 1024 * 4096 + 2 * 1024;
    expect(total(STEP_1)).toBe(65_536 * 1024 + 4 * layer + 1024);
    const { num_attention_groups: _, ...single } = STEP_1;
    expect(cacheOf(single, 1000)).toBe(1000 * 4 * 2 * 64 * 2);
  });

  test("Step 3: queries of rank 2048, one KV head of 256, 56 layers of experts and 5 dense ones", () => {
    const attention = 7168 * (2048 + 2 * 256) + 2048 + 2048 * 16_384 + 16_384 * 7168;
    const experts = 48 * 7168 + 48 * 3 * 7168 * 5120 + 3 * 7168 * 5120;
    const dense = 3 * 7168 * 18_432;
    expect(total(STEP_3_TEXT)).toBe(
      2 * 128_815 * 7168 + 61 * (attention + 2 * 7168) + 56 * experts + 5 * dense + 7168,
    );
    expect(cacheOf(STEP_3_TEXT, 1000)).toBe(1000 * 61 * 2 * 256 * 2);
    const { moe_layers_enum: _, ...unlisted } = STEP_3_TEXT;
    expect(total(unlisted)).toBe(total(STEP_3_TEXT) + 4 * (experts - dense));
  });

  test("Hunyuan-Large: every other layer holds neither keys nor values and caches none", () => {
    const own = 2 * 6400 ** 2 + 2 * 640 * 6400 + 2 * 80;
    const reads = 2 * 6400 ** 2 + 2 * 80;
    const experts = 16 * 6400 + 17 * 3 * 6400 * 18_304;
    expect(total(HUNYUAN_LARGE)).toBe(128_512 * 6400 + 32 * (own + reads) + 64 * (experts + 2 * 6400) + 6400);
    expect(cacheOf(HUNYUAN_LARGE, 1000)).toBe(1000 * 32 * 2 * 8 * 80 * 2);
    expect(cacheOf({ ...HUNYUAN_LARGE, use_cla: false }, 1000)).toBe(1000 * 64 * 2 * 8 * 80 * 2);
  });
});

/** EVA-CLIP of 63 layers with n positions. */
const evaClip = (positions: number): number =>
  (3 * 14 * 14 + 1) * 1792 +
  1792 +
  positions * 1792 +
  63 * (4 * 1792 ** 2 + 4 * 1792 + 2 * 1792 * 15_360 + 15_360 + 1792 + 4 * 1792);
/** SigLIP-SO400M of n layers at a number of patches; its head apart. */
const siglip = (layers: number, patches: number, patch: number): number =>
  (3 * patch ** 2 + 1) * 1152 +
  patches * 1152 +
  layers * (4 * 1152 ** 2 + 4 * 1152 + 2 * 1152 * 4304 + 4304 + 1152 + 4 * 1152) +
  2 * 1152;
const SIGLIP_HEAD = 1152 + 4 * 1152 ** 2 + 4 * 1152 + 2 * 1152 + 2 * 1152 * 4304 + 4304 + 1152;

describe("composites, summed by hand", () => {
  test("CogVLM: llama twice but for embedding, head and norms, EVA-CLIP and a gated MLP", () => {
    const llama = 2 * 32_000 * 4096 + 32 * (4 * 4096 ** 2 + 3 * 4096 * 11_008 + 2 * 4096) + 4096;
    const experts = 32 * (4 * 4096 ** 2 + 3 * 4096 * 11_008);
    const bridge = 1792 * 4096 + 2 * 4096 + 3 * 4096 * 11_008 + 2 * 4096;
    expect(total(models.COGVLM_17B)).toBe(llama + experts + evaClip(1226) + bridge);
  });

  test("CogVLM 2: biases on the q, k and v of images, and a convolution that folds four patches", () => {
    const experts = 32 * (4096 * 6144 + 6144 + 4096 ** 2 + 3 * 4096 * 14_336);
    const bridge = 4 * 1792 ** 2 + 1792 + 1792 * 4096 + 2 * 4096 + 3 * 4096 * 14_336 + 2 * 4096;
    // Its language part is Llama-3-8B, 8,030,261,248 parameters.
    expect(total(models.COGVLM2_19B)).toBe(8_030_261_248 + experts + evaClip(9217) + bridge);
  });

  test("GLM-4V-9B is GLM-4-9B and EVA-CLIP, folded to the text's width", () => {
    const { vision_config: _, ...text } = models.GLM_4V_9B;
    const bridge = 4 * 1792 * 4096 + 4096 + 4096 ** 2 + 2 * 4096 + 3 * 4096 * 13_696 + 2 * 4096;
    expect(total(models.GLM_4V_9B)).toBe(total(text) + evaClip(6401) + bridge);
  });

  test("LLaVA-OneVision: SigLIP without its last layer and head, two linears, one vector", () => {
    const projector = 1152 * 3584 + 3584 + 3584 ** 2 + 3584;
    expect(total(models.LLAVA_OV_7B)).toBe(7_615_616_512 + siglip(26, 729, 14) + projector + 3584);
    expect(() => total({ ...models.LLAVA_OV_7B, mm_vision_tower: "apple/mobileclip" })).toThrow(
      /"mm_vision_tower" is "apple\/mobileclip", expected clip-vit/,
    );
    expect(() => total({ ...models.LLAVA_OV_7B, mm_projector_type: "cross_attn" })).toThrow(
      /"mm_projector_type"/,
    );
    expect(() => total({ ...models.LLAVA_OV_7B, mm_resampler_type: "perceiver" })).toThrow(
      /"mm_resampler_type"/,
    );
    const one = { ...models.LLAVA_OV_7B, mm_projector_type: "linear" };
    expect(total(models.LLAVA_OV_7B) - total(one)).toBe(3584 ** 2 + 3584);
    const none = { ...models.LLAVA_OV_7B, mm_projector_type: "identity", mm_patch_merge_type: "flat" };
    expect(total(none)).toBe(7_615_616_512 + siglip(26, 729, 14));
  });

  test("Yi-VL-6B: CLIP-H at 448 pixels and a norm behind each linear", () => {
    const clip =
      1280 +
      3 * 14 * 14 * 1280 +
      1025 * 1280 +
      4 * 1280 +
      32 * (4 * 1280 ** 2 + 4 * 1280 + 2 * 1280 * 5120 + 5120 + 1280 + 4 * 1280);
    const projector = 1280 * 4096 + 4096 + 4096 ** 2 + 4096 + 2 * 2 * 4096;
    expect(total(models.YI_VL_6B)).toBe(6_061_035_520 + clip + projector);
  });

  test("Keye: Qwen3-8B, SigLIP with its head, 32,768 packed positions; 1.5 norms four patches at once", () => {
    const projector = 2 * 1152 + 4608 ** 2 + 4608 + 4608 * 4096 + 4096;
    const eyes = siglip(27, 729, 14) + SIGLIP_HEAD + 32_768 * 1152;
    expect(total(models.KEYE_8B)).toBe(8_190_735_360 + eyes + projector);
    expect(total({ ...models.KEYE_8B, model_type: "KeyeVL1_5" }) - total(models.KEYE_8B)).toBe(3 * 2 * 1152);
  });

  test("DeepSeek-VL2: DeepSeek's decoder, SigLIP with its head, four patches into two linears, two vectors", () => {
    const { language_config } = models.DEEPSEEK_VL2_SMALL;
    const text = total({ ...language_config, model_type: "deepseek_v2", tie_word_embeddings: false });
    const projector = 4608 * 2048 + 2048 + 2048 ** 2 + 2048 + 2 * 2048;
    expect(total(models.DEEPSEEK_VL2_SMALL)).toBe(text + siglip(27, 729, 14) + SIGLIP_HEAD + projector);
    const bad = { ...models.DEEPSEEK_VL2_SMALL, projector_config: { projector_type: "low_high" } };
    expect(() => total(bad)).toThrow(/"projector_config.projector_type" is "low_high"/);
  });

  test("NVLM-D: a projector as wide inside as the decoder's MLP, without biases", () => {
    const { vision_config, llm_config } = models.NVLM_D_72B;
    const internvl = { ...models.NVLM_D_72B, model_type: "internvl_chat" };
    const wide = 12_800 * 29_568 + 29_568 * 8192;
    const square = 12_800 * 8192 + 8192 + 8192 ** 2 + 8192;
    expect(total({ model_type: "NVLM_D", downsample_ratio: 0.5, vision_config, llm_config })).toBe(
      total(internvl) + wide - square,
    );
    expect(total({ ...internvl, model_type: "skywork_chat" })).toBe(total(internvl));
  });

  test("Step3-VL: a ViT of 63 layers, convolutions of 2 x 2 and 3 x 3, one linear", () => {
    const layer = 4 * 1792 ** 2 + 4 * 1792 + 2 * 1792 * 15_360 + 15_360 + 1792 + 4 * 1792;
    const eyes = 1792 + (3 * 14 * 14 + 1) * 1792 + (52 * 52 + 1) * 1792 + 63 * layer;
    const convolutions = 4 * 1792 * 4096 + 4096 + 9 * 4096 * 8192 + 8192;
    expect(total(models.STEP_3_VL)).toBe(total(STEP_3_TEXT) + eyes + convolutions + 8192 * 7168);
  });

  test("Ovis 2 as published is Ovis 2 of transformers", () => {
    const converted = {
      model_type: "ovis2",
      hidden_size: 896,
      tie_word_embeddings: true,
      text_config: models.QWEN2_TEXT,
      vision_config: { ...models.AIMV2_LARGE, hidden_stride: 2, vocab_size: 65_536 },
    };
    expect(total(models.OVIS2_1B)).toBe(total(converted));
  });

  test("Ovis 1.6 reads images with SigLIP", () => {
    const eyes = { backbone_config: { ...models.SIGLIP_SO400M, model_type: "siglip_vision_model" } };
    const ovis16 = { ...models.OVIS2_1B, visual_tokenizer_config: { ...eyes, vocab_size: 65_536 } };
    const words = 65_536 - 5;
    expect(total(ovis16)).toBe(
      494_032_768 + siglip(27, 729, 14) + SIGLIP_HEAD + words * 1152 + 2 * words + 65_536 * 896,
    );
  });

  test("Ovis 2.5: SigLIP at 512 pixels without a head, 65,532 words for patches", () => {
    const words = 65_536 - 4;
    expect(total(models.OVIS25_2B)).toBe(
      total(models.OVIS25_2B.llm_config) + siglip(27, 1024, 16) + words * 4 * 1152 + 2 * words + 65_536 * 896,
    );
  });

  test("Ultravox: Whisper's encoder, 8 frames of 1280 into a gated linear pair under two norms", () => {
    const encoder =
      128 * 3 * 1280 +
      1280 +
      3 * 1280 ** 2 +
      1280 +
      1500 * 1280 +
      32 * (4 * 1280 ** 2 + 3 * 1280 + 2 * 1280 * 5120 + 5120 + 1280 + 4 * 1280) +
      2 * 1280;
    const { text_config } = models.ULTRAVOX_8B;
    const linears = 10_240 * 4096 + 2048 * 896;
    expect(total(models.ULTRAVOX_8B)).toBe(total(text_config) + encoder + linears + 10_240 + 2048);
    const behind = { ...models.ULTRAVOX_8B, projector_ln_mid: false };
    expect(total(models.ULTRAVOX_8B) - total(behind)).toBe(2048 - 896);
    const plain = { ...models.ULTRAVOX_8B, projector_act: "relu" };
    expect(total(plain) - total(models.ULTRAVOX_8B)).toBe(2048 * 896 + 2048);
    const { text_config: _, ...named } = models.ULTRAVOX_8B;
    expect(() => total(named)).toThrow(/"text_config" is missing/);
  });

  test("OpenCUA is Qwen2 with Qwen2.5-VL's tower, MiniMax-VL-01 MiniMax-Text-01 with CLIP", () => {
    const vision_config = { depth: 2, hidden_size: 64, num_heads: 4, intermediate_size: 128 };
    const text_config = { ...models.QWEN2_TEXT, tie_word_embeddings: false };
    const eyes = { ...vision_config, out_hidden_size: 896 };
    expect(total({ model_type: "opencua", vision_config: eyes, text_config })).toBe(
      total({ model_type: "qwen2_5_vl", vision_config: eyes, text_config, tie_word_embeddings: false }),
    );
    const minimax = {
      model_type: "minimax_text_01",
      hidden_size: 512,
      intermediate_size: 1024,
      num_hidden_layers: 2,
      num_attention_heads: 8,
      num_key_value_heads: 2,
      num_local_experts: 4,
      num_experts_per_tok: 2,
      vocab_size: 1000,
      layer_types: ["linear_attention", "full_attention"],
    };
    const clip = { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2, num_attention_heads: 4 };
    const clipTotal =
      64 +
      3 * 32 ** 2 * 64 +
      50 * 64 +
      4 * 64 +
      2 * (4 * 64 ** 2 + 4 * 64 + 2 * 64 * 128 + 128 + 64 + 4 * 64);
    expect(total({ model_type: "minimax_vl_01", text_config: minimax, vision_config: clip })).toBe(
      total(minimax) + clipTotal + 64 * 512 + 512 + 512 ** 2 + 512 + 512,
    );
  });
});

test("every composite of the repositories has its sum in this file", () => {
  const { COGVLM_17B, GLM_4V_9B, LLAVA_15_7B, LLAVA_OV_7B, YI_VL_6B, OVIS2_1B, OVIS25_2B, STEP_3_VL } =
    models;
  const { KEYE_8B, NVLM_D_72B, DEEPSEEK_VL2_TINY, ULTRAVOX_8B } = models;
  const configs = [COGVLM_17B, GLM_4V_9B, LLAVA_15_7B, LLAVA_OV_7B, YI_VL_6B, OVIS2_1B, OVIS25_2B, STEP_3_VL];
  const sized = [...configs, KEYE_8B, NVLM_D_72B, DEEPSEEK_VL2_TINY, ULTRAVOX_8B].map(
    (config) => readArchitecture(config, "config.json").family,
  );
  // Three that are another one renamed: they are compared with it above.
  const renamed = ["KeyeVL1_5", "minimax_vl_01", "opencua"];
  const families = [...LLAVA_ORIGINALS, ...REMOTE_COMPOSITES].map(({ id }) =>
    id.startsWith("llava-original") ? "llava-original" : id === "deepseek_vl_v2" ? "deepseek-vl2" : id,
  );
  expect([...new Set([...sized, ...renamed])].sort()).toEqual([...new Set(families)].sort());
});
