import type { Tokens } from "../units.ts";
import type { ConfigReader, JsonObject } from "./config-reader.ts";
import { isJsonObject } from "./config-reader.ts";
import type { VisionFacts } from "./vision-facts.ts";

/** How a config stretches rotary positions beyond those of the first training. */
export interface RopeScaling {
  /** Kinds whose tables engines lengthen; "llama3" and "longrope" are not among them. */
  readonly kind: "linear" | "dynamic" | "yarn";
  readonly factor: number;
  /** Positions before stretching, where the config says. */
  readonly originalTokens?: Tokens;
}

/** What a forward pass does between its tensors, where the config says: training and rotary tables read it. */
export interface ForwardFacts {
  /** Dropout probabilities while training; each dropout in use keeps a mask. */
  readonly residualDropout: number;
  readonly attentionDropout: number;
  readonly embeddingDropout: number;
  /** Part of each head that positions rotate; absent means all of it. */
  readonly rotaryFraction?: number;
  readonly ropeScaling?: RopeScaling;
  /** Window layers rotate by a base of their own, unstretched (Gemma 3). */
  readonly localRope?: true;
  /** Positions come apart into time, height and width (Qwen-VL). */
  readonly ropeSections?: true;
  readonly vision?: VisionFacts;
  /** Model type of the language model inside a composite. */
  readonly textModelType?: string;
  /** tanh caps on attention scores and on logits (Gemma 2). */
  readonly attentionSoftcap: boolean;
  readonly logitSoftcap: boolean;
}

/** The classes with `hidden_dropout_prob`, BERT's and those made after it, drop out behind the embedding with it too. */
const EMBEDDING_DROPOUT = [
  "embd_pdrop",
  "embedding_dropout",
  "embed_dropout",
  "emb_pdrop",
  "hidden_dropout_prob",
  "dropout",
  "dropout_rate",
] as const;
const RESIDUAL_DROPOUT = [
  "resid_pdrop",
  "residual_dropout",
  "resid_dropout",
  "hidden_dropout",
  "hidden_dropout_prob",
  "dropout",
  "dropout_rate",
] as const;
const ATTENTION_DROPOUT = [
  "attn_pdrop",
  "attention_dropout",
  "attention_probs_dropout_prob",
  "dropout_rate",
] as const;

/**
 * Model types whose classes drop out unless the config says otherwise, from their configuration files in
 * transformers 5.18; the others that this project reads as text default to 0. XLNet has one probability for everything.
 */
const DEFAULTS: readonly (readonly [residual: number, attention: number, modelTypes: string])[] = [
  [
    0.1,
    0.1,
    "bert roberta xlm-roberta xlm-roberta-xl camembert roberta-prelayernorm electra ernie data2vec-text jina_embeddings_v3 " +
      "megatron-bert roformer distilbert mpnet deberta deberta-v2 big_bird convbert layoutlm roc_bert esm xmod ibert longformer " +
      "nystromformer splinter mra yoso bert-generation dpr layoutlmv3 luke xlm flaubert xlnet git gpt2 gpt_bigcode openai-gpt biogpt " +
      "xglm kosmos_2_text_model t5 mt5 umt5 longt5 switch_transformers m2m_100 nllb-moe plbart seed_oss",
  ],
  [
    0.1,
    0,
    "bart mbart pegasus marian blenderbot blenderbot-small led bigbird_pegasus pegasus_x fsmt mvp trocr speech_to_text opt ctrl fnet gte",
  ],
  [0, 0.1, "gpt_neox_japanese"],
];

/** Model types whose classes drop out in their layers and not behind the embedding. */
const BARE_EMBEDDING = ["esm", "opt", "seed_oss"];

const NO_DROPOUT = [0, 0] as const;

function probability(config: ConfigReader, keys: readonly string[], fallback: number): number {
  for (const key of keys) {
    const value = config.raw[key];
    if (typeof value === "number" && value >= 0 && value <= 1) return value;
  }
  return fallback;
}

/** `rotary_dim` over the head size (GPT-J, MiniMax-M2). */
function rotaryDimFraction(config: ConfigReader): number | undefined {
  const { rotary_dim: rotaryDim, head_dim: headDim } = config.raw;
  const hidden = config.raw.hidden_size ?? config.raw.n_embd;
  const heads = config.raw.num_attention_heads ?? config.raw.n_head;
  if (typeof rotaryDim !== "number") return undefined;
  if (typeof headDim === "number") return rotaryDim / headDim;
  return typeof hidden === "number" && typeof heads === "number" ? (rotaryDim * heads) / hidden : undefined;
}

const objectOf = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});

/** Model types whose window layers rotate with `rope_local_base_freq`, which their classes default. */
const LOCAL_ROPE = ["gemma3", "gemma3_text", "gemma3n", "gemma3n_text"];

/**
 * `rope_parameters` (transformers 5, by layer type or flat) or `rope_scaling`. Other kinds than those of
 * `RopeScaling` leave the number of positions as it is.
 */
function readRope(text: ConfigReader): Pick<ForwardFacts, "ropeScaling" | "localRope" | "ropeSections"> {
  const given = objectOf(text.raw.rope_parameters);
  const byLayer = given.full_attention !== undefined;
  const rope = { ...objectOf(text.raw.rope_scaling), ...(byLayer ? objectOf(given.full_attention) : given) };
  const local =
    (byLayer && given.sliding_attention !== undefined) ||
    text.raw.rope_local_base_freq !== undefined ||
    (typeof text.raw.model_type === "string" && LOCAL_ROPE.includes(text.raw.model_type));
  const scaling = ropeScaling(rope);
  return {
    ...(scaling === undefined ? {} : { ropeScaling: scaling }),
    ...(local ? { localRope: true } : {}),
    ...(Array.isArray(rope.mrope_section) ? { ropeSections: true } : {}),
  };
}

function ropeScaling(rope: JsonObject): RopeScaling | undefined {
  const kind = rope.rope_type ?? rope.type;
  const { factor, original_max_position_embeddings: original } = rope;
  if (typeof factor !== "number" || !(factor >= 1 && factor <= 4096)) return undefined;
  if (kind !== "linear" && kind !== "dynamic" && kind !== "yarn") return undefined;
  return typeof original === "number" && Number.isSafeInteger(original) && original > 0
    ? { kind, factor, originalTokens: original }
    : { kind, factor };
}

/** Reads what a class does between its tensors; the language part of a composite config. */
export function readForwardFacts(config: ConfigReader): ForwardFacts {
  const text = config.child(["text_config", "llm_config", "language_config"]) ?? config;
  const modelType = text.raw.model_type ?? config.raw.model_type;
  const [residual, attention] =
    DEFAULTS.find(([, , types]) => types.split(" ").includes(String(modelType))) ?? NO_DROPOUT;
  const nested = objectOf(text.raw.rope_parameters);
  const rotary = [
    text.raw.partial_rotary_factor,
    nested.partial_rotary_factor,
    text.raw.rotary_pct,
    text.raw.rotary_percent,
    rotaryDimFraction(text),
  ].find((v) => typeof v === "number" && v > 0 && v <= 1);
  const on = (key: string): boolean => typeof text.raw[key] === "number" && text.raw[key] !== 0;
  return {
    residualDropout: probability(text, RESIDUAL_DROPOUT, residual),
    attentionDropout: probability(text, ATTENTION_DROPOUT, attention),
    embeddingDropout: BARE_EMBEDDING.includes(String(modelType))
      ? 0
      : probability(text, EMBEDDING_DROPOUT, residual),
    ...(rotary === undefined ? {} : { rotaryFraction: rotary as number }),
    ...readRope(text),
    ...(text !== config && typeof text.raw.model_type === "string"
      ? { textModelType: text.raw.model_type }
      : {}),
    attentionSoftcap: on("attn_logit_softcapping"),
    logitSoftcap: on("final_logit_softcapping"),
  };
}
