/** Turns what was asked for into what is computed, with every default filled in and said. */
import type { LoraTargets } from "../adapters/lora-targets.ts";
import type { Architecture, Note } from "../architecture/model.ts";
import { hasExperts } from "../architecture/stack.ts";
import type { CacheFormat } from "../engines/cache-format.ts";
import type { EngineCard } from "../engines/engine.ts";
import { runtimeOf } from "../engines/engine-name.ts";
import { VramCalcError } from "../errors.ts";
import { kvFormatByName } from "../formats/kv-formats.ts";
import type { AttentionImplementation } from "../memory/attention-mask.ts";
import type { ImagesRequest } from "../memory/images-request.ts";
import { plainStorageByName, type WeightStorage } from "../quantization/storage.ts";
import { onceFor } from "../remember.ts";
import { type Bytes, groupDigits, type Tokens } from "../units.ts";

/** Context when none is asked for; less if the model ends earlier. */
export const DEFAULT_CONTEXT_TOKENS: Tokens = 4096;

/** Adapters served beside the base model. */
export interface ServedAdapters {
  readonly rank: number;
  /** How many lie on the card at once. */
  readonly count: number;
  readonly targets: LoraTargets;
}

/** A model for speculative decoding beside the one that is served. */
export interface DraftModel {
  readonly id: string;
  readonly model: Architecture;
  /** How its weights are stored. Default: as published, else bf16. */
  readonly dtype?: string;
  /** How its own files store them; taken when `dtype` is absent. */
  readonly stored?: WeightStorage;
}

/** What may be asked of a serving estimate. Everything has a default, and the result says which were taken. */
export interface EstimateOptions {
  /** How weights are stored: "fp16", "q4_k_m", "awq", ... Default: as published, else bf16. */
  readonly dtype?: string;
  /**
   * Format of the KV cache, or keys and values apart: "q8_0/q4_0". Default, also "auto": 16 bits, bf16 where the model
   * is.
   */
  readonly kvDtype?: string;
  /** The cache format whose scales the checkpoint carries: vLLM's default for it when `kvDtype` is absent. */
  readonly calibratedKv?: string;
  /** Tokens kept per sequence. Default: 4096, or the model's maximum if that is smaller. */
  readonly contextTokens?: Tokens;
  /**
   * Sequences on the card at once. Default 1. Each keeps a cache of its own: prompts that share a prefix need
   * less where an engine caches prefixes, so the result is an upper bound for them.
   */
  readonly batch?: number;
  /** Weights and nothing else. */
  readonly weightsOnly?: boolean;
  /** How the model's own files store the weights; taken when `dtype` is absent. */
  readonly stored?: WeightStorage;
  /** "generic" (default), or an engine, "vllm@0.19" at a version. */
  readonly engine?: string;
  /** Ranks that divide each layer. Default 1. */
  readonly tp?: number;
  /** Stages that divide the layers. Default 1. */
  readonly pp?: number;
  /** Ranks that divide the experts whole. Default 1. */
  readonly ep?: number;
  /** Replicas that divide the sequences. Default 1. */
  readonly dp?: number;
  /**
   * Equal cards that there are. Without degrees the model is laid out over all of them: tensor parallelism within
   * a server of 8, then stages; llama.cpp divides layers.
   */
  readonly devices?: number;
  /** The card, for engines that take a part of it and for what depends on its generation. */
  readonly card?: EngineCard;
  /** Flags of the engine by their names there: gpuMemoryUtilization, maxNumSeqs, gpuLayers, ... */
  readonly engineOptions?: EngineFlags;
  /** Attention implementation, for masks and scores. Default: one that makes neither. */
  readonly attention?: AttentionImplementation;
  /** Sequences of the batch differ in length and are padded to the longest, so SDPA makes a mask. */
  readonly padded?: boolean;
  /** LoRA adapters served beside the base; merged ones cost nothing and are not given. */
  readonly lora?: ServedAdapters;
  /** A smaller model that proposes tokens: its weights, and a cache of the same context and sequences. */
  readonly draft?: DraftModel;
  /** Tokens that the model's own prediction layers propose; loads those layers. Absent: they stay in the file. */
  readonly mtp?: number;
  /** llama.cpp's `--mmproj`: the tensor bytes of a projector's own file, on the first GPU. */
  readonly projectorFile?: { readonly id: string; readonly bytes: Bytes };
  /** Images in each prompt: their tokens add to the context, the tower works on them. */
  readonly images?: ImagesRequest;
}

/** Flags of an engine by their names in its options. */
export type EngineFlags = Readonly<Record<string, number | boolean | string | readonly number[]>>;

/** The options as they took effect. */
export interface EffectiveRequest {
  readonly [option: string]: string | number | boolean | null | EngineFlags;
  readonly dtype: string;
  readonly kvDtype: string | null;
  readonly context: Tokens | null;
  readonly batch: number | null;
  readonly weightsOnly: boolean;
}

export interface Prepared {
  readonly storage: WeightStorage;
  readonly cacheFormat: CacheFormat;
  readonly contextTokens: Tokens;
  readonly sequences: number;
  /** Positions that cross attention reads, where images say. */
  readonly encoderTokens?: Tokens;
  /** Bytes of one value that is computed: 2, or 4 for a model that is published and kept in fp32. */
  readonly computeBytes: number;
  readonly weightsOnly: boolean;
  readonly request: EffectiveRequest;
  readonly notes: readonly Note[];
}

/**
 * The request with its defaults, checked.
 *
 * @param storageOf reads a storage by name; the schemes are a table of their own that not every caller loads
 * @throws unknown-name for a format, bad-option for a context or batch that is not a whole number from 1
 */
export function prepare(
  model: Architecture,
  options: EstimateOptions,
  storageOf: (name: string) => WeightStorage,
): Prepared {
  const notes: Note[] = [];
  const storage = chooseStorage(model, options, storageOf, notes);
  if (storage.notesOf !== undefined) notes.push(...storage.notesOf(model));
  const weightsOnly = options.weightsOnly === true;
  const contextTokens = weightsOnly ? 1 : contextOf(model, options, notes);
  const sequences = options.batch === undefined ? 1 : positive("batch", options.batch);
  const cacheFormat = cacheFormatOf(chosenCacheFormat(model, options, weightsOnly ? [] : notes));
  const encoderTokens = weightsOnly ? undefined : encoderTokensOf(model, contextTokens, notes);
  return {
    storage,
    cacheFormat,
    contextTokens,
    sequences,
    ...(encoderTokens === undefined ? {} : { encoderTokens }),
    computeBytes: storage.id === "fp32" ? 4 : 2,
    weightsOnly,
    notes,
    request: {
      dtype: storage.id,
      kvDtype: weightsOnly ? null : cacheFormat.id,
      context: weightsOnly ? null : contextTokens,
      batch: weightsOnly ? null : sequences,
      weightsOnly,
    },
  };
}

function chooseStorage(
  model: Architecture,
  options: EstimateOptions,
  storageOf: (name: string) => WeightStorage,
  notes: Note[],
): WeightStorage {
  // gpt-oss is published so, and its GGUF is the file type of experts in mxfp4 and the rest in q8_0.
  if (
    ofGguf(options) &&
    hasExperts(model) &&
    (options.dtype ?? options.stored?.id)?.toLowerCase() === "mxfp4"
  )
    return storageOf("mxfp4_moe");
  if (options.dtype === undefined && options.stored !== undefined) return options.stored;
  const name = options.dtype ?? model.dtype;
  if (name !== undefined) {
    const plain = plainStorageByName(name);
    if (plain === null) return storageOf(name);
    return ofGguf(options) && GGUF_TYPES.has(plain.id)
      ? storageOf(`gguf_${GGUF_TYPES.get(plain.id)}`)
      : plain;
  }
  const { partialDtype } = model;
  notes.push(partialDtype === undefined ? DEFAULT_DTYPE_NOTE : partialDtypeNote(partialDtype));
  return guessed(storageOf("bf16"));
}

/** The format of a model that does not say its own. */
const guessed = onceFor((storage: WeightStorage): WeightStorage => ({ ...storage, basis: "assumed" }));

/** A llama.cpp engine reads a GGUF file, whose norms are fp32 whatever the type it is called by. */
const ofGguf = ({ engine }: EstimateOptions): boolean => runtimeOf(engine) === "llama.cpp";

const GGUF_TYPES: ReadonlyMap<string, string> = new Map([
  ["fp32", "f32"],
  ["fp16", "f16"],
  ["bf16", "bf16"],
]);

const DEFAULT_DTYPE_NOTE: Note = {
  code: "default-dtype",
  message: "the model does not say how its weights are stored: bf16 taken; --dtype sets another",
  details: { dtype: "bf16" },
};

/** A dtype of 8 bits without a block that says which tensors have it, and with what scales. */
const partialDtypeNote = (dtype: string): Note => ({
  code: "default-dtype",
  message: `the config calls its weights ${dtype} and does not say which of them: bf16 taken; --dtype fp8 sizes the linears in 8 bits`,
  details: { dtype: "bf16", stated: dtype },
});

/** What is asked for; else under vLLM what the checkpoint is calibrated for (`torch_utils.py`, `attention/layer.py`). */
function chosenCacheFormat(model: Architecture, options: EstimateOptions, notes: Note[]): string {
  const { kvDtype, calibratedKv, engine } = options;
  if (kvDtype !== undefined && kvDtype.toLowerCase() !== "auto") return kvDtype;
  if (calibratedKv === undefined) return defaultCacheFormat(model, options);
  const taken = runtimeOf(engine) === "vllm";
  notes.push({
    code: "calibrated-cache",
    message: taken
      ? `the checkpoint carries scales of a cache in ${calibratedKv}, which vLLM then keeps: --kv-dtype sets another`
      : `the checkpoint carries scales of a cache in ${calibratedKv}: --kv-dtype ${calibratedKv} counts one`,
    details: { format: calibratedKv },
  });
  return taken ? calibratedKv : defaultCacheFormat(model, options);
}

/** The model's own 16 bits; llama.cpp's cache is fp16 unless a flag says otherwise. */
const defaultCacheFormat = ({ dtype }: Architecture, options: EstimateOptions): string =>
  dtype === "bf16" && !ofGguf(options) ? "bf16" : "fp16";

/** The context taken when none is asked for. */
export function defaultContext({ maxContextTokens: longest }: Architecture): Tokens {
  return longest === undefined ? DEFAULT_CONTEXT_TOKENS : Math.min(DEFAULT_CONTEXT_TOKENS, longest);
}

function contextOf(model: Architecture, options: EstimateOptions, notes: Note[]): Tokens {
  const longest = model.maxContextTokens;
  if (options.contextTokens === undefined) return defaultContext(model);
  const context = positive("context", options.contextTokens);
  if (longest !== undefined && context > longest) {
    notes.push({
      code: "context-beyond-model",
      message: `context ${groupDigits(context)} is longer than the ${groupDigits(longest)} positions the config declares`,
      details: { context, longest },
    });
  }
  return context;
}

/** Cross attention over positions that the class does not fix. */
const hasOpenCross = onceFor((model: Architecture): boolean =>
  model.stacks.some(
    ({ role, kinds }) =>
      role === "decoder" &&
      kinds.some(({ mixers }) =>
        mixers.some(
          (mixer) =>
            mixer.kind === "attention" && mixer.cache === "cross" && mixer.encoderTokens === undefined,
        ),
      ),
  ),
);

/**
 * Positions that cross attention reads where the class does not fix them: as many as the decoder's behind an
 * encoder for text, none where they would be those of images and none are given.
 */
function encoderTokensOf(model: Architecture, contextTokens: Tokens, notes: Note[]): Tokens | undefined {
  if (!hasOpenCross(model)) return undefined;
  if (!model.stacks.some(({ role }) => role === "encoder")) return 0;
  notes.push({
    code: "encoder-tokens",
    message: `the encoder's text is taken as long as the decoder's: ${groupDigits(contextTokens)} tokens in the cross-attention cache`,
    details: { encoderTokens: contextTokens },
  });
  return contextTokens;
}

/** @throws bad-option */
export function positive(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= 2 ** 40) return value;
  throw new VramCalcError("bad-option", {
    option,
    given: String(value),
    expected: "a whole number from 1 to 2^40",
  });
}

const cacheFormats = new Map<string, CacheFormat>();

/** One format, or keys and values apart: "q8_0/q4_0", also written with a comma. */
function cacheFormatOf(text: string): CacheFormat {
  let format = cacheFormats.get(text);
  if (format === undefined) {
    format = kvFormatByName(text.replace(",", "/"));
    cacheFormats.set(text, format);
  }
  return format;
}
