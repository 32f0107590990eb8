/** How transformers 5.18 and other training code write the layers of each family: facts for `layer-code.ts`. */
import type { NormKind } from "../../architecture/model.ts";
import type { LayerCode, LayerFramework, NormCode } from "./layer-code.ts";

export const NORMS: { readonly [K in NormKind]: NormCode } = {
  rms: "rms",
  "rms-plus-one": "rms-wide-weight",
  layer: "layer",
  "layer-no-bias": "layer",
  none: "layer-wide",
};

const SCALED = { scaledEmbedding: true } as const;
const WIDE_ROUTER = { wideRouter: true } as const;

const LLAMA4 = {
  rotary: "complex",
  bareQkNorm: true,
  rotatesInWindows: true,
  scalesQueries: true,
  everyExpert: true,
  softmaxInModelType: true,
} as const;

const PRE_NORMED_BERT = { rotary: "none", ownLoss: true, softmaxInModelType: true } as const;
const BERT = { ...PRE_NORMED_BERT, normedSums: true } as const;
const T5 = {
  norm: "rms-of-stream",
  rotary: "none",
  ownLoss: true,
  softmaxInModelType: true,
  dropsInner: true,
  dropsStacks: true,
  scoreBias: "stack",
} as const;
const GEMMA4 = { norm: "rms-cast-weight", bareValueNorm: true, shares: "fp32", buffers: 5 } as const;

export const FAMILIES: { readonly [family: string]: Partial<LayerCode> } = {
  gemma: { buffers: 3 },
  gemma2: { buffers: 3 },
  gemma3: { buffers: 5 },
  gemma3_text: { buffers: 5 },
  gemma4_text: GEMMA4,
  gemma4_unified_text: GEMMA4,
  gpt2: { buffers: 0, rotary: "none", softmaxInModelType: true },
  gpt_bigcode: { rotary: "none", maskBuffers: "model" },
  gpt_neo: { rotary: "none", wideScores: true, maskBuffers: "layer" },
  opt: { rotary: "none" },
  bloom: { rotary: "none" },
  mpt: { rotary: "none" },
  gptj: { parallel: true, wideScores: true },
  codegen: { parallel: true, wideScores: true },
  gpt_neox: { parallel: true },
  falcon: { parallel: true, softmaxInModelType: true, ungrouped: true, alwaysMasked: true },
  olmo2: { norm: "rms-late-cast", postNorm: true, wideTables: true },
  olmo3: { norm: "rms-late-cast", postNorm: true, wideTables: true },
  flex_olmo: { norm: "rms-late-cast", postNorm: true, wideTables: true },
  olmo: { wideTables: true },
  exaone4: { postNorm: true },
  helium: { norm: "rms-wide-weight" },
  cohere: { norm: "layer-python", parallel: true },
  cohere2: { norm: "layer-python", parallel: true },
  // Remote code: `modeling_qwen.py` rotates fp32 copies and gives SDPA a mask, `modeling_baichuan.py` of the second generation normalizes its head.
  qwen: { wideTables: true, shiftsLogits: true, alwaysMasked: true },
  baichuan: { normedHead: true, shiftsLogits: true },
  phi: { parallel: true },
  phi3: { rotary: "half-concat" },
  phimoe: { norm: "layer" },
  gpt_oss: {
    rotary: "half-tables",
    sinks: true,
    softmaxInModelType: true,
    norm: "rms-late-cast",
    clampedExperts: true,
  },
  nemotron: { normOutsideAutocast: true },
  granite: SCALED,
  granitemoe: SCALED,
  hyperclovax: SCALED,
  falcon_h1: SCALED,
  granitemoeshared: SCALED,
  granitemoehybrid: { ...SCALED, rotary: "none" },
  nemotron_h: { rotary: "none", ...WIDE_ROUTER },
  jamba: { rotary: "none" },
  qwen3_next: { rotary: "half-concat" },
  laguna: { rotary: "half-concat", sharedFirst: true },
  bamba: { rotary: "half-concat" },
  qwen3_5: { rotary: "half-concat" },
  qwen3_5_moe: { rotary: "half-concat" },
  minimax_m2: { rotary: "half-concat", shares: "fp32" },
  ernie4_5: { ownTables: true },
  ernie4_5_moe: { ownTables: true, wideRouter: true, shares: "input", sharedFirst: true },
  apertus: { xielu: true },
  bitnet: {},
  lfm2: {},
  lfm2_moe: {},
  nanochat: { bareQkNorm: true },
  afmoe: { norm: "rms-late-cast", rotatesInWindows: true, shares: "fp32", sharedFirst: true },
  llama4: LLAMA4,
  llama4_text: LLAMA4,
  deepseek_v2: { rotary: "complex", ...WIDE_ROUTER, shares: "fp32" },
  deepseek_v3: { rotary: "half-concat", ...WIDE_ROUTER },
  kimi_linear: WIDE_ROUTER,
  deepseek_v32: { rotary: "half-concat", ...WIDE_ROUTER },
  youtu: { rotary: "half-concat" },
  axk1: { rotary: "half-concat", ...WIDE_ROUTER },
  hy_v3: WIDE_ROUTER,
  cohere2_moe: { norm: "layer-python", parallel: true },
  glm4_moe: WIDE_ROUTER,
  dots1: WIDE_ROUTER,
  exaone_moe: WIDE_ROUTER,
  solar_open: WIDE_ROUTER,
  glm4_moe_lite: { rotary: "half-concat", ...WIDE_ROUTER },
  glm_moe_dsa: { rotary: "half-concat", ...WIDE_ROUTER },
  t5: T5,
  mt5: T5,
  umt5: { ...T5, scoreBias: "layer" },
  bart: BERT,
  marian: BERT,
  plbart: BERT,
  "blenderbot-small": BERT,
  mbart: PRE_NORMED_BERT,
  pegasus: PRE_NORMED_BERT,
  m2m_100: PRE_NORMED_BERT,
  blenderbot: PRE_NORMED_BERT,
  whisper: PRE_NORMED_BERT,
  bert: BERT,
  roberta: BERT,
  electra: BERT,
  ernie: BERT,
  "data2vec-text": BERT,
  distilbert: { ...BERT, undropped: "attention" },
  albert: { ...BERT, undropped: "feed-forward" },
  mpnet: BERT,
  roformer: { ...BERT, rotary: "half" },
  jina_embeddings_v3: { ...BERT, rotary: "half" },
  nomic_bert: { ...BERT, rotary: "half" },
  "xlm-roberta-xl": { ...PRE_NORMED_BERT, undropped: "feed-forward" },
  "roberta-prelayernorm": PRE_NORMED_BERT,
  "megatron-bert": PRE_NORMED_BERT,
  hunyuan_v1_dense: { lateQkNorm: true },
  hunyuan_v1_moe: { lateQkNorm: true, sharedFirst: true },
};

/**
 * What a framework writes differently from transformers: LitGPT (`litgpt/model.py`, commit 8641822) has one qkv product, puts
 * rotated parts together and was measured with bitsandbytes 0.41 to 0.43. Lightning's `plugins/precision/bitsandbytes.py` (2.1
 * to 2.3) replaces every `torch.nn.Linear`, the head too, and quantizes from fp16. torchtitan and torchtune copy keys and
 * values to all heads. Megatron's `bias_gelu_fusion` keeps gelu's input alone, and
 * `FusedScaleMaskSoftmax` the scores in the model's type alone.
 */
export const FRAMEWORKS: { readonly [F in LayerFramework]: Partial<LayerCode> } = {
  hf: {},
  litgpt: {
    rotary: "half-concat",
    fusedQkv: true,
    repeatsKv: true,
    padsAdapters: true,
    chunkedLoss: true,
    packedHead: true,
    unpacksTwice: true,
    fusedGelu: true,
    capsByHand: true,
    ungrouped: false,
    alwaysMasked: false,
  },
  torchtitan: { repeatsKv: true, fusedGelu: true, dividedLoss: true },
  megatron: { fusedGelu: true, softmaxInModelType: true },
  unsloth: { norm: "rms-fused", inPlace: true, fusedAdapters: true },
};

/**
 * Families whose layers `FastLanguageModel` writes anew (`unsloth/models/llama.py`, `mistral.py`, `qwen2.py`, `qwen3.py`). Those of
 * Gemma, Granite, Cohere, Falcon H1 and mixtures differ and were not read: they are sized like transformers'.
 */
export const UNSLOTH: ReadonlySet<string> = new Set(["llama", "mistral", "qwen2", "qwen3"]);

/** Families written exactly like Llama, as far as backward can tell. */
export const PLAIN: ReadonlySet<string> = new Set([
  "llama",
  "mistral",
  "ministral",
  "ministral3",
  "qwen2",
  "qwen2_moe",
  "qwen2_vl",
  "qwen2_5_vl",
  "qwen3_vl",
  "qwen3_vl_moe",
  "aria_text",
  "jais2",
  "mellum",
  "persimmon",
  "eurobert",
  "mixtral",
  "qwen3_moe",
  "falcon_mamba",
  "mamba",
  "mamba2",
  "olmoe",
  "qwen3",
  "starcoder2",
  "stablelm",
  "glm",
  "glm4",
  "smollm3",
  "seed_oss",
  "arcee",
  "typical",
  "vaultgemma",
  "cwm",
  "mimo",
  "llama-renamed",
]);
