/** The model that the header of a GGUF file describes: exact tensors, and mixers from its metadata. */
import { VramCalcError } from "../errors.ts";
import { ggufName } from "./gguf-names.ts";
import type { Architecture, FeedForward, LayerKind, Mixer, Note, Stack, Tensor } from "./model.ts";
import { finishArchitecture } from "./parameters.ts";
import { stackOf } from "./stack.ts";

/** What is needed of a parsed header; a structural subset of the reader's result. */
export interface GgufModelFile {
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly vocabularyTokens: number | null;
  readonly tensors: readonly {
    readonly name: string;
    readonly rowMajorShape: readonly number[];
  }[];
}

const MOST_LAYERS = 10_000;

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

/** Typed reads of `<architecture>.<key>`. */
interface Keys {
  readonly arch: string;
  /** A whole number, or undefined when the key is absent. */
  int(key: string): number | undefined;
  /** The value for a layer: a number for all, or an array with one each. */
  perLayer(key: string, layer: number): number | undefined;
}

function keysOf(file: GgufModelFile, name: string): Keys {
  const arch = file.metadata.get("general.architecture");
  const fail = (key: string, found: string, expected: string): never => {
    throw new VramCalcError("bad-config", { file: name, key, found, expected });
  };
  if (typeof arch !== "string") return fail("general.architecture", "missing", "the name of an architecture");
  const check = (key: string, value: unknown): number | undefined => {
    if (value === undefined) return undefined;
    if (typeof value === "boolean") return value ? 1 : 0;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 2 ** 31)
      return fail(key, String(value).slice(0, 40), "a whole number");
    return value;
  };
  const values = (key: string): readonly unknown[] | undefined =>
    (file.metadata.get(`${arch}.${key}`) as { readonly values?: readonly unknown[] } | undefined)?.values;
  return {
    arch,
    int: (key) => {
      const value = file.metadata.get(`${arch}.${key}`);
      if (typeof value === "object" && value !== null) return Math.max(0, ...(values(key) ?? []).map(Number));
      return check(`${arch}.${key}`, value);
    },
    perLayer: (key, layer) => {
      const list = values(key);
      if (list !== undefined) return check(`${arch}.${key}`, list[layer]);
      const value = file.metadata.get(`${arch}.${key}`);
      return typeof value === "object" ? undefined : check(`${arch}.${key}`, value);
    },
  };
}

/**
 * Builds the model of a GGUF file. Parameters are the tensors of the file, so they are exact whatever the
 * architecture; mixers follow from which tensors a layer has and from the metadata.
 *
 * @throws bad-config when a key that a present tensor needs is missing or impossible.
 * @example ggufArchitecture({ metadata: new Map([["general.architecture", "x"], ["x.embedding_length", 2]]), tensors: [{ name: "a", rowMajorShape: [2, 3] }] }, "x.gguf").parameters.total // 6
 */
export function ggufArchitecture(file: GgufModelFile, name: string): Architecture {
  const keys = keysOf(file, name);
  const layers = new Map<number, Map<string, readonly number[]>>();
  const outside: Tensor[] = [];
  for (const { name: full, rowMajorShape } of file.tensors) {
    const match = /^(?:(?:enc|dec)\.)?blk\.(\d+)\.(.+)$/.exec(full);
    if (match === null) {
      if (!full.startsWith("rope_f"))
        outside.push(ggufTensor(full, rowMajorShape, { inLayer: false, active: 1 }));
      continue;
    }
    const index = Number(match[1]);
    if (index >= MOST_LAYERS) fail(name, full, `at most ${MOST_LAYERS} layers`);
    let layer = layers.get(index);
    if (layer === undefined) {
      layer = new Map();
      layers.set(index, layer);
    }
    layer.set(match[2]!, rowMajorShape);
  }
  const hiddenSize =
    keys.int("embedding_length") ?? fail(name, `${keys.arch}.embedding_length`, "a whole number");
  const count = layers.size === 0 ? 0 : Math.max(...layers.keys()) + 1;
  const mtpLayers = Math.min(count, keys.int("nextn_predict_layers") ?? 0);
  const active = keys.int("expert_used_count") ?? 1;
  const build = (index: number): LayerKind =>
    layerKind(layers.get(index) ?? new Map(), { keys, index, active, name });
  const signature = (index: number): string => layerSignature(layers.get(index) ?? new Map(), keys, index);
  const stackAt = (role: "decoder" | "mtp", first: number, n: number): Stack =>
    stackOf({
      role,
      prefix: "blk",
      hiddenSize,
      layers: n,
      keyOf: (i) => signature(first + i),
      build: (i) => build(first + i),
    });
  const maxContextTokens = keys.int("context_length");
  const embedding = outside.find((tensor) => tensor.role === "embedding");
  const notes: Note[] = [];
  return finishArchitecture(
    {
      family: keys.arch,
      modelType: keys.arch,
      hiddenSize,
      vocabSize: embedding?.shape[0] ?? file.vocabularyTokens ?? keys.int("vocab_size") ?? 0,
      tied: !outside.some((tensor) => tensor.role === "head"),
      ...(maxContextTokens === undefined || maxContextTokens === 0 ? {} : { maxContextTokens }),
      norm: "rms",
      stacks: [
        stackAt("decoder", 0, count - mtpLayers),
        ...(mtpLayers > 0 ? [stackAt("mtp", count - mtpLayers, mtpLayers)] : []),
      ],
      tensors: outside,
      notes,
    },
    name,
  );
}

function fail(file: string, key: string, expected: string): never {
  throw new VramCalcError("bad-config", { file, key, found: "missing or too large", expected });
}

function ggufTensor(
  full: string,
  shape: readonly number[],
  at: { readonly inLayer: boolean; readonly active: number },
): Tensor {
  const match = /^(.*?)(?:\.(weight|bias))?$/.exec(full)!;
  const facts = ggufName(match[1]!, match[2] ?? "", at.inLayer);
  // Experts lie in one tensor [experts, out, in]: kept as that many matrices.
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

interface LayerAt {
  readonly keys: Keys;
  readonly index: number;
  readonly active: number;
  readonly name: string;
}

function layerKind(tensors: ReadonlyMap<string, readonly number[]>, at: LayerAt): LayerKind {
  return {
    mixers: layerMixers(tensors, at),
    feedForward: layerFeedForward(tensors, at),
    tensors: [...tensors].map(([full, shape]) =>
      ggufTensor(full, shape, { inLayer: true, active: at.active }),
    ),
  };
}

/** Equal layers have equal tensors and an equal reach. */
function layerSignature(tensors: ReadonlyMap<string, readonly number[]>, keys: Keys, index: number): string {
  const shapes = [...tensors].map(([name, shape]) => `${name}:${shape.join("x")}`).sort();
  const heads = `${keys.perLayer("attention.head_count", index)}/${keys.perLayer("attention.head_count_kv", index)}`;
  return `${shapes.join(" ")} ${heads} ${windowOf(keys, index)} ${cacheShared(keys, index)}`;
}

function windowOf(keys: Keys, index: number): number | undefined {
  const window = keys.int("attention.sliding_window");
  if (window === undefined || window === 0 || WINDOW_UNUSED.has(keys.arch)) return undefined;
  const listed = keys.perLayer("attention.sliding_window_pattern", index);
  const isList = keys.perLayer("attention.sliding_window_pattern", 0) !== undefined;
  if (isList && (listed === 0 || listed === 1)) return listed === 1 ? window : undefined;
  const period = Object.hasOwn(FULL_EVERY, keys.arch) ? FULL_EVERY[keys.arch]! : 0;
  if (period === 0) return window;
  return index % period < period - 1 ? window : undefined;
}

/** The last layers of Gemma 3n and 4 read an earlier layer's keys and values. */
function cacheShared(keys: Keys, index: number): boolean {
  const shared = keys.int("attention.shared_kv_layers") ?? 0;
  const layers = keys.int("block_count") ?? 0;
  return shared > 0 && index >= layers - shared;
}

function layerMixers(tensors: ReadonlyMap<string, readonly number[]>, at: LayerAt): Mixer[] {
  const { keys, index, name } = at;
  const need = (key: string): number =>
    keys.perLayer(key, index) ?? keys.int(key) ?? fail(name, `${keys.arch}.${key}`, "a whole number");
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
  } else if (tensors.has("attn_k.weight") || tensors.has("attn_qkv.weight") || tensors.has("attn_q.weight")) {
    const queryHeads = need("attention.head_count");
    const kvHeads = keys.perLayer("attention.head_count_kv", index) ?? queryHeads;
    if (queryHeads > 0 && kvHeads > 0 && !tensors.has("ssm_a")) {
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
          keys.arch === "bert" || keys.arch.endsWith("-bert")
            ? "none"
            : cacheShared(keys, index)
              ? "shared"
              : "own",
        ...(windowTokens === undefined ? {} : { windowTokens }),
      });
    }
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
  keys: Keys,
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
