import { ATTENTION_BIAS, type DecoderRow, familyOf, MLP_BIAS } from "../decoder-row.ts";
import { tensor, vector } from "../tensors.ts";
import { everyLayerWindow, listedWindow, windowTokensOf } from "../windows.ts";

/** RMSNorm, rotary, grouped heads, SwiGLU; `attention_bias` covers q, k, v and o. */
export const LLAMA: DecoderRow = {
  id: "llama",
  classNames: ["LlamaForCausalLM"],
  classSizes: [4096, 11008, 32, 32, 32000],
  qkvBias: ATTENTION_BIAS,
  oBias: ATTENTION_BIAS,
  mlpBias: MLP_BIAS,
};
export const llama = familyOf(LLAMA);

/** Repositories that renamed the llama class without changing its layout. */
export const llamaRenamed = familyOf({
  ...LLAMA,
  id: "llama-renamed",
  modelTypes: ["Yi", "aquila", "xverse", "skywork", "apriel", "solar", "TeleFLM"],
  classNames: [
    "YiForCausalLM",
    "AquilaForCausalLM",
    "XverseForCausalLM",
    "SkyworkForCausalLM",
    "AprielForCausalLM",
    "SolarForCausalLM",
    "TeleFLMForCausalLM",
  ],
  customCode: "llama",
});

/** Code World Model: every fourth layer sees everything, the others 8192 tokens. */
export const cwm = familyOf({
  ...LLAMA,
  id: "cwm",
  classNames: ["CwmForCausalLM"],
  classSizes: [6144, 21504, 64, 48, 128256],
  kvHeads: 8,
  headDim: 128,
  qkvBias: false,
  oBias: false,
  window: (config, layers) => {
    const windowTokens = windowTokensOf(config, 8192);
    return (
      listedWindow(config, layers, windowTokens) ?? ((layer) => (layer % 4 === 0 ? undefined : windowTokens))
    );
  },
});

/** Granite: scalar multipliers have no parameters. */
export const granite = familyOf({ ...LLAMA, id: "granite", classNames: ["GraniteForCausalLM"] });

/** Granite with a sink per query head; layers that are no multiple of four slide over 128 tokens. */
export const graniteSwa = familyOf({
  ...LLAMA,
  id: "granite_swa",
  classNames: ["GraniteSWAForCausalLM"],
  classSizes: [2560, 8192, 24, 20, 100352],
  tied: true,
  kvHeads: 4,
  window: (config, layers) => {
    const windowTokens = windowTokensOf(config, 128);
    return (
      listedWindow(config, layers, windowTokens) ?? ((layer) => (layer % 4 === 0 ? undefined : windowTokens))
    );
  },
  layerExtras: (_config, { heads }) => [vector("self_attn.sinks", "attention", [heads], "heads")],
});

/** Seed-OSS: biases on q, k and v by default, on o by its own key. */
export const seedOss = familyOf({
  ...LLAMA,
  id: "seed_oss",
  classNames: ["SeedOssForCausalLM"],
  classSizes: [4096, 27648, 64, 80, 155136],
  kvHeads: 8,
  headDim: 128,
  qkvBias: { key: "attention_bias", otherwise: true },
  oBias: { key: "attention_out_bias", otherwise: false },
});

/** Arcee: up and down around a squared ReLU. */
export const arcee = familyOf({
  ...LLAMA,
  id: "arcee",
  classNames: ["ArceeForCausalLM"],
  classSizes: [2560, 18432, 32, 32, 32000],
  plainMlp: ["up_proj", "down_proj"],
  activation: "relu2",
});

/** Helium: o never carries a bias, and is [h, h] whatever the heads are. */
export const helium = familyOf({
  ...LLAMA,
  id: "helium",
  classNames: ["HeliumForCausalLM"],
  classSizes: [2560, 7040, 24, 20, 48000],
  kvHeads: 20,
  headDim: 128,
  oBias: false,
  check: (config, { hiddenSize, heads, headDim }) => {
    if (heads * headDim !== hiddenSize)
      config.fail("head_dim", `${hiddenSize} / ${heads}: the class has no other`);
  },
});

const scalar = { role: "other", kind: "vector", group: "mlp", shape: [1] } as const;
/** xIELU (arXiv:2411.13010) learns two scalars and stores two constants. */
const XIELU = [
  { ...scalar, name: "mlp.act_fn.alpha_p" },
  { ...scalar, name: "mlp.act_fn.alpha_n" },
  { ...scalar, name: "mlp.act_fn.beta", buffer: true },
  { ...scalar, name: "mlp.act_fn.eps", buffer: true },
] as const;

/** Apertus: plain MLP with an activation of two learned scalars, norms on query and key heads. */
export const apertus = familyOf({
  ...LLAMA,
  id: "apertus",
  classNames: ["ApertusForCausalLM"],
  classSizes: [4096, 14336, 32, 32, 131072],
  layerNorms: ["attention_layernorm", "feedforward_layernorm"],
  mlpBias: false,
  plainMlp: ["up_proj", "down_proj"],
  activation: "xielu",
  qkNorm: "head",
  layerExtras: (config) =>
    config.text("hidden_act", "xielu") === "xielu" ? XIELU.map((spec) => tensor(spec)) : [],
});

/** SmolLM3: tied; layers without rotary slide when `use_sliding_window` asks for it. */
export const smollm3 = familyOf({
  ...LLAMA,
  id: "smollm3",
  classNames: ["SmolLM3ForCausalLM"],
  classSizes: [2048, 11008, 36, 16, 128256],
  tied: true,
  kvHeads: 4,
  window: (config, layers) => {
    const windowTokens = config.flag("use_sliding_window", false) ? windowTokensOf(config) : undefined;
    const listed = listedWindow(config, layers, windowTokens);
    if (listed !== undefined || windowTokens === undefined) return listed;
    const rotary = config.ints("no_rope_layers");
    const interval = config.int("no_rope_layer_interval", 4);
    return (layer) =>
      (rotary === undefined ? (layer + 1) % interval !== 0 : rotary[layer] !== 0) ? undefined : windowTokens;
  },
});

/** ERNIE 4.5: tied; one key puts a bias on everything but the head. */
export const ernie45 = familyOf({
  id: "ernie4_5",
  classNames: ["Ernie4_5ForCausalLM"],
  classSizes: [1024, 3072, 18, 16, 103424],
  tied: true,
  kvHeads: 2,
  headDim: 128,
  qkvBias: { key: "use_bias", otherwise: false },
  oBias: { key: "use_bias", otherwise: false },
  mlpBias: { key: "use_bias", otherwise: false },
});

/** Mistral: 8 KV heads by default, a window over every layer when `sliding_window` is set. */
export const MISTRAL: DecoderRow = {
  id: "mistral",
  classNames: ["MistralForCausalLM"],
  classSizes: [4096, 14336, 32, 32, 32000],
  kvHeads: 8,
  window: (config, layers) => everyLayerWindow(config, layers, 4096),
};
export const mistral = familyOf(MISTRAL);
export const ministral = familyOf({ ...MISTRAL, id: "ministral", classNames: ["MinistralForCausalLM"] });
export const ministral3 = familyOf({
  ...MISTRAL,
  id: "ministral3",
  classNames: ["Ministral3ForCausalLM"],
  classSizes: [4096, 14336, 34, 32, 131072],
  headDim: 128,
  window: everyLayerWindow,
});
