/** A layer of a GGUF file: what mixes, what follows it, and how far it reaches. */
import { failGguf, type GgufKeys } from "./gguf-keys.ts";
import { ggufName } from "./gguf-names.ts";
import type { Mixer } from "./mixers/mixer.ts";
import type { FeedForward, LayerKind, Tensor } from "./model.ts";

/** Layers of llama.cpp that slide by a rule of the code and not of the file: every n-th is full. */
const FULL_EVERY: Readonly<Record<string, number>> = {
  gemma2: 2,
  gemma3: 6,
  gemma3n: 5,
  "gpt-oss": 2,
  cohere2: 4,
  exaone4: 4,
  llama4: 4,
  olmo2: 4,
  smallthinker: 4,
};
/** llama.cpp reads the window of these files and does not apply it. */
const WINDOW_UNUSED: ReadonlySet<string> = new Set(["phi3", "llama", "mistral", "qwen2", "qwen3"]);

/** Architectures that llama.cpp gives no memory between tokens: `llama_model::create_memory`. */
const WITHOUT_CACHE: ReadonlySet<string> = new Set([
  "bert",
  "modern-bert",
  "nomic-bert",
  "nomic-bert-moe",
  "neo-bert",
  "eurobert",
  "jina-bert-v2",
  "jina-bert-v3",
  "gemma-embedding",
  "dream",
  "llada",
  "llada-moe",
]);

/** A tensor of the file; experts lie in one, kept as that many matrices. */
export function ggufTensor(
  full: string,
  shape: readonly number[],
  at: { readonly inLayer: boolean; readonly active: number },
): Tensor {
  const match = /^(.*?)(?:\.(weight|bias))?$/.exec(full)!;
  const facts = ggufName(match[1]!, match[2] ?? "", at.inLayer);
  const expert = facts.group === "experts" && shape.length >= 2;
  const copies = expert ? shape[0]! : 1;
  return {
    name: full,
    ...facts,
    kind: expert && shape.length === 2 ? "bias" : facts.kind,
    shape: expert ? shape.slice(1) : shape,
    copies,
    activeCopies: expert ? Math.min(copies, at.active) : copies,
  };
}

export interface LayerAt {
  readonly keys: GgufKeys;
  readonly index: number;
  readonly active: number;
  readonly name: string;
  /** Layers of an encoder, which keeps nothing between tokens. */
  readonly encoder: boolean;
}

/** A layer by the tensors it has. */
export function layerKind(tensors: ReadonlyMap<string, readonly number[]>, at: LayerAt): LayerKind {
  return {
    mixers: layerMixers(tensors, at),
    feedForward: layerFeedForward(tensors, at),
    tensors: [...tensors].map(([full, shape]) =>
      ggufTensor(full, shape, { inLayer: true, active: at.active }),
    ),
  };
}

/** Equal layers have equal tensors and an equal reach. */
export function layerSignature(
  tensors: ReadonlyMap<string, readonly number[]>,
  keys: GgufKeys,
  index: number,
): string {
  const shapes = [...tensors].map(([name, shape]) => `${name}:${shape.join("x")}`).sort();
  const heads = `${keys.perLayer("attention.head_count", index)}/${keys.perLayer("attention.head_count_kv", index)}`;
  return `${shapes.join(" ")} ${heads} ${windowOf(keys, index)} ${cacheShared(keys, index)}`;
}

function windowOf(keys: GgufKeys, index: number): number | undefined {
  const window = keys.int("attention.sliding_window");
  if (window === undefined || window === 0 || WINDOW_UNUSED.has(keys.arch)) return undefined;
  const listed = keys.perLayer("attention.sliding_window_pattern", index);
  const first = keys.perLayer("attention.sliding_window_pattern", 0);
  if (first !== undefined && (listed === 0 || listed === 1)) return listed === 1 ? window : undefined;
  // A single number is the period that the code would else bring.
  const period = listed ?? (Object.hasOwn(FULL_EVERY, keys.arch) ? FULL_EVERY[keys.arch]! : 0);
  if (period === 0) return window;
  return index % period < period - 1 ? window : undefined;
}

/** The last layers of Gemma 3n and 4 read an earlier layer's keys and values. */
function cacheShared(keys: GgufKeys, index: number): boolean {
  const shared = keys.int("attention.shared_kv_layers") ?? 0;
  const layers = keys.int("block_count") ?? 0;
  return shared > 0 && index >= layers - shared;
}

/** Falcon-H1 attends beside its Mamba; the delta nets call their own fused q, k and v attn_qkv. */
const hasAttention = (tensors: ReadonlyMap<string, readonly number[]>): boolean =>
  tensors.has("attn_q.weight") ||
  tensors.has("attn_k.weight") ||
  (tensors.has("attn_qkv.weight") && !tensors.has("ssm_a"));

function layerMixers(tensors: ReadonlyMap<string, readonly number[]>, at: LayerAt): Mixer[] {
  const { keys, index, name } = at;
  const need = (key: string): number =>
    keys.perLayer(key, index) ?? keys.int(key) ?? failGguf(name, `${keys.arch}.${key}`, "a whole number");
  const mixers: Mixer[] = [];
  if (tensors.has("attn_kv_a_mqa.weight")) {
    const latentDim = need("attention.kv_lora_rank");
    const ropeDim = need("rope.dimension_count");
    const keyDim = keys.int("attention.key_length_mla") ?? need("attention.key_length");
    mixers.push({
      kind: "latent",
      queryHeads: need("attention.head_count"),
      latentDim,
      ropeDim,
      nopeDim: Math.max(0, keyDim - ropeDim),
      valueDim: keys.int("attention.value_length_mla") ?? need("attention.value_length"),
    });
  } else if (hasAttention(tensors)) {
    const queryHeads = need("attention.head_count");
    const kvHeads = keys.perLayer("attention.head_count_kv", index) ?? queryHeads;
    if (queryHeads > 0 && kvHeads > 0) {
      const default_ = Math.floor(need("embedding_length") / queryHeads);
      const swa = windowOf(keys, index) !== undefined;
      const keyLength =
        (swa ? keys.int("attention.key_length_swa") : undefined) ?? keys.int("attention.key_length");
      const valueLength =
        (swa ? keys.int("attention.value_length_swa") : undefined) ?? keys.int("attention.value_length");
      const windowTokens = windowOf(keys, index);
      mixers.push({
        kind: "attention",
        queryHeads,
        kvHeads,
        keyDim: keyLength ?? default_,
        valueDim: valueLength ?? default_,
        cache:
          at.encoder || WITHOUT_CACHE.has(keys.arch) ? "none" : cacheShared(keys, index) ? "shared" : "own",
        ...(windowTokens === undefined ? {} : { windowTokens }),
      });
    }
  }
  if (tensors.has("cross_attn_k.weight")) {
    const queryHeads = need("attention.head_count");
    const default_ = Math.floor(need("embedding_length") / queryHeads);
    mixers.push({
      kind: "attention",
      queryHeads,
      kvHeads: queryHeads,
      keyDim: keys.int("attention.key_length") ?? default_,
      valueDim: keys.int("attention.value_length") ?? default_,
      cache: "cross",
    });
  }
  if (tensors.has("shortconv.conv.weight"))
    mixers.push({ kind: "conv", channels: need("embedding_length"), kernel: need("shortconv.l_cache") });
  const conv = tensors.get("ssm_conv1d.weight");
  if (conv !== undefined) mixers.push(recurrentMixer(tensors, need, keys));
  return mixers;
}

/** llama.cpp: n_embd_r = (K - 1) * (d + 2 * G * ds), n_embd_s = ds * d, for every recurrent architecture. */
function recurrentMixer(
  tensors: ReadonlyMap<string, readonly number[]>,
  need: (key: string) => number,
  keys: GgufKeys,
): Mixer {
  const inner = need("ssm.inner_size");
  const state = need("ssm.state_size");
  const groups = keys.int("ssm.group_count") ?? 0;
  const rank = keys.int("ssm.time_step_rank") ?? 1;
  const mamba1 = tensors.has("ssm_x.weight");
  const delta = tensors.has("ssm_ba.weight") || tensors.has("ssm_beta.weight");
  return {
    kind: "recurrent",
    variant: mamba1 ? "mamba" : delta ? "gated-delta" : "mamba2",
    convChannels: inner + 2 * groups * state,
    convKernel: need("ssm.conv_kernel"),
    stateElements: inner * state,
    heads: mamba1 ? 1 : rank,
    innerDim: inner,
    ...(groups > 0 ? { groups } : {}),
  };
}

function layerFeedForward(tensors: ReadonlyMap<string, readonly number[]>, at: LayerAt): FeedForward {
  const routed = tensors.get("ffn_down_exps.weight");
  if (routed !== undefined && routed.length === 3) {
    const shared = tensors.get("ffn_down_shexp.weight");
    const dense = tensors.get("ffn_down.weight");
    return {
      kind: "experts",
      experts: routed[0]!,
      activeExperts: Math.min(routed[0]!, at.active),
      width: routed[2]!,
      gated: tensors.has("ffn_gate_exps.weight") || tensors.has("ffn_gate_up_exps.weight"),
      activation: "silu",
      sharedWidth: shared?.[1] ?? 0,
      ...(dense === undefined ? {} : { denseWidth: dense[1]! }),
    };
  }
  const down = tensors.get("ffn_down.weight");
  if (down === undefined || down.length !== 2) return { kind: "none" };
  const up = tensors.get("ffn_up.weight");
  const gated = tensors.has("ffn_gate.weight") || (up !== undefined && up[0] === 2 * down[1]!);
  return { kind: "dense", width: down[1]!, gated, activation: gated ? "silu" : "gelu" };
}
