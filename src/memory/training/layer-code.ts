/**
 * What of a layer's code decides what backward keeps, where the tensors alone do not tell. Everything else (biases, fused
 * projections, q/k norms, the number of norms) is read from the architecture. `family-code.ts` says it of each family.
 */
import type { Architecture } from "../../architecture/model.ts";
import { readsText } from "../../architecture/stack.ts";
import { FAMILIES, FRAMEWORKS, NORMS, PLAIN, UNSLOTH } from "./family-code.ts";
import { isUnmeasured, isUnread } from "./recurrent.ts";

/**
 * Formulation of a norm, `x` in the model's type:
 * `rms` weight * (fp32 x / rms).to(type); `rms-late-cast` (weight * fp32 x / rms).to(type);
 * `rms-wide-weight` as late cast with an fp32 copy of the weight, or of 1 + weight; `rms-cast-weight` the same but for a weight that
 * is fp32 already; `rms-of-stream` as rms, but squares an fp32 copy and multiplies x itself (T5); `rms-fused` and `layer` one
 * kernel; `layer-wide` that kernel on an fp32 copy of x; `layer-python` mean and variance by hand in fp32.
 */
export type NormCode =
  | "rms"
  | "rms-late-cast"
  | "rms-wide-weight"
  | "rms-cast-weight"
  | "rms-of-stream"
  | "rms-fused"
  | "layer"
  | "layer-wide"
  | "layer-python";

/**
 * Rotary positions: `half` rotates halves; `half-concat` also puts the rotated part together with the rest when
 * there is none; `half-tables` has tables of half the width; `complex` multiplies fp32 pairs by one table.
 */
export type RotaryCode = "half" | "half-concat" | "half-tables" | "complex" | "none";

export interface LayerCode {
  readonly norm: NormCode;
  /** Attention and feed-forward both read the layer's input, and are added to it together. */
  readonly parallel: boolean;
  /** Norms sit on the outputs of attention and feed-forward instead of their inputs. */
  readonly postNorm: boolean;
  /**
   * Norms sit on the sums of residual stream and sublayer; a norm behind the embedding and none behind the last layer (BERT).
   */
  readonly normedSums: boolean;
  /** Dropout inside the feed-forward, behind the activation, and behind the last norm of each stack (T5). */
  readonly dropsInner: boolean;
  readonly dropsStacks: boolean;
  /** Scores get a bias per head and pair of positions: one table for all layers of a stack (T5), or one in each (UMT5). */
  readonly scoreBias: "stack" | "layer" | "none";
  /** What has no dropout of its own before the sum, although the config has a probability for it. */
  readonly undropped: "attention" | "feed-forward" | "neither";
  /** The class has a loss of its own, in the model's type: models that fill in masked words. */
  readonly ownLoss: boolean;
  readonly rotary: RotaryCode;
  /** cos and sin stay in fp32 whatever the model's type is. */
  readonly wideTables: boolean;
  /** A sink logit per head joins the softmax (GPT-OSS): eager attention only. */
  readonly sinks: boolean;
  /** Softmax runs in the model's type instead of fp32. */
  readonly softmaxInModelType: boolean;
  /** Eager attention multiplies fp32 copies of queries and keys. */
  readonly wideScores: boolean;
  /** Queries and keys are normed after their rotation (HunYuan). */
  readonly lateQkNorm: boolean;
  /** Queries and keys are divided by their lengths after rotation, without a weight (Llama 4 where it rotates, nanochat). */
  readonly bareQkNorm: boolean;
  /** Values are divided by their lengths too, without a weight (Gemma 4). */
  readonly bareValueNorm: boolean;
  /** Only layers with a window or chunks rotate. */
  readonly rotatesInWindows: boolean;
  /** Layers without rotation multiply queries by an fp32 factor per position (Llama 4, `attn_temperature_tuning`). */
  readonly scalesQueries: boolean;
  /** Every call makes fp32 tables of its own from the shared ones (ERNIE 4.5 interleaves them). */
  readonly ownTables: boolean;
  /** The causal mask is made although the kernel could do without it. */
  readonly alwaysMasked: boolean;
  /** Calls SDPA with fewer KV than query heads and no grouping: only plain operations can run that. */
  readonly ungrouped: boolean;
  /** The router multiplies fp32 copies of its input and weight. */
  readonly wideRouter: boolean;
  /** The type of the routing weights, which the weighted results take: that of the logits (16 bits under autocast), of the layer's input, or fp32. */
  readonly shares: "logits" | "input" | "fp32";
  /** Shared experts run before the router, else after the experts that it chooses. */
  readonly sharedFirst: boolean;
  /** Every expert runs on every token, its rows multiplied by the router's score, 0 where it was not chosen (Llama 4). */
  readonly everyExpert: boolean;
  /** xIELU by single operations, with two trained scales (Apertus). */
  readonly xielu: boolean;
  /** Experts clamp gate and up and add one to up (GPT-OSS); the router's softmax is over the chosen only. */
  readonly clampedExperts: boolean;
  /** q, k and v always come out of one product, whose output the values keep alive when heads are not grouped. */
  readonly fusedQkv: boolean;
  /** Keys and values are copied to all query heads before the attention kernel. */
  readonly repeatsKv: boolean;
  /**
   * One adapter for q, k and v that leaves some of them out (`LoRAQKVLinear.zero_pad`): its result is put between zeros by
   * `index_copy`, which keeps it (PyTorch `derivatives.yaml`: `expand_as(source)`).
   */
  readonly padsAdapters: boolean;
  /** The loss runs over 128 tokens at a time, forward and backward: the gradients of the logits take the place of their logarithms. */
  readonly chunkedLoss: boolean;
  /** The head is packed like the linears of the layers. */
  readonly packedHead: boolean;
  /** Packed in fp16 whatever the compute type is: unpacking makes an fp16 copy and one in the compute type. */
  readonly unpacksTwice: boolean;
  /** The Python-written GELU of GPT-2 is one kernel here. */
  readonly fusedGelu: boolean;
  /** The head's rows are divided by their lengths in every training pass: a second matrix of its size (Baichuan 2, `NormHead`). */
  readonly normedHead: boolean;
  /** Logits but for the last token are copied in the model's type before the loss widens them (remote code of 2023). */
  readonly shiftsLogits: boolean;
  /** A soft cap on scores is computed by plain operations, whatever attention is asked for (LitGPT, `CausalSelfAttention`). */
  readonly capsByHand: boolean;
  /** Causal masks of one byte per pair of positions that the class registers as buffers: in each layer, or once. */
  readonly maskBuffers: "layer" | "model" | "none";
  /** Attention's products and the MLP run in one operation each with their adapters (Unsloth, `fused-adapters.ts`). */
  readonly fusedAdapters: boolean;
  /** Frozen norms write the gradient of their input over that of their output, and rotation turns queries and keys in place. */
  readonly inPlace: boolean;
  /** Norms switch autocast off and run in the type of their input (Nemotron). */
  readonly normOutsideAutocast: boolean;
  /** Cross entropy over a divided vocabulary runs by single operations (PyTorch's `loss_parallel`). */
  readonly dividedLoss: boolean;
  /** The embedding's output is multiplied by a number outside its module. */
  readonly scaledEmbedding: boolean;
  /** Small buffers outside the layers, of one allocation block each: inverse frequencies, embedding scales. */
  readonly buffers: number;
}

const BASE: Omit<LayerCode, "norm"> = {
  parallel: false,
  postNorm: false,
  normedSums: false,
  dropsInner: false,
  dropsStacks: false,
  scoreBias: "none",
  undropped: "neither",
  ownLoss: false,
  rotary: "half",
  wideTables: false,
  sinks: false,
  softmaxInModelType: false,
  wideScores: false,
  lateQkNorm: false,
  bareQkNorm: false,
  bareValueNorm: false,
  rotatesInWindows: false,
  scalesQueries: false,
  ownTables: false,
  alwaysMasked: false,
  ungrouped: false,
  wideRouter: false,
  shares: "logits",
  sharedFirst: false,
  everyExpert: false,
  xielu: false,
  clampedExperts: false,
  fusedQkv: false,
  repeatsKv: false,
  padsAdapters: false,
  chunkedLoss: false,
  packedHead: false,
  unpacksTwice: false,
  fusedGelu: false,
  normedHead: false,
  shiftsLogits: false,
  capsByHand: false,
  maskBuffers: "none",
  fusedAdapters: false,
  inPlace: false,
  normOutsideAutocast: false,
  dividedLoss: false,
  scaledEmbedding: false,
  buffers: 2,
};

/** Training code that writes the layers: transformers, or a framework with layers of its own. */
export type LayerFramework = "hf" | "litgpt" | "torchtitan" | "megatron" | "unsloth";

/** The formulation that a model's family uses; the plain Llama one where nothing else is known. */
export function layerCode(
  model: Pick<Architecture, "family" | "norm" | "forward">,
  framework: LayerFramework = "hf",
): LayerCode {
  const family = languageFamily(model);
  const facts = Object.hasOwn(FAMILIES, family) ? FAMILIES[family] : undefined;
  const key = `${facts === undefined ? "" : family} ${model.norm} ${framework}`;
  let code = codes.get(key);
  if (code === undefined) {
    const own = framework === "unsloth" && !UNSLOTH.has(family) ? {} : FRAMEWORKS[framework];
    code = { ...BASE, norm: NORMS[model.norm], ...facts, ...own };
    codes.set(key, code);
  }
  return code;
}

/** Put together once: a question asks for the same few a hundred times, and each is 40 facts. */
const codes = new Map<string, LayerCode>();

/**
 * How well a model's layers are known: `read` when the family's formulation was read in transformers, `unmeasured` when it runs kernels
 * (state spaces) that were read too but no run covers, `assumed` when Llama's formulation is taken,
 * `unmodelled` when mixers run whose kernels were not read.
 */
export type LayerKnowledge = "read" | "unmeasured" | "assumed" | "unmodelled";

export function layerKnowledge(
  model: Pick<Architecture, "family" | "forward"> & { readonly stacks?: Architecture["stacks"] },
): LayerKnowledge {
  const family = languageFamily(model);
  const mixers = (model.stacks ?? [])
    .filter((stack) => readsText(stack.role))
    .flatMap(({ kinds }) => kinds.flatMap((kind) => kind.mixers));
  if (mixers.some(isUnread)) return "unmodelled";
  if (!Object.hasOwn(FAMILIES, family) && !PLAIN.has(family)) return "assumed";
  return mixers.some(isUnmeasured) ? "unmeasured" : "read";
}

/** The family whose layers run: that of the language model in a composite. */
function languageFamily(model: Pick<Architecture, "family" | "forward">): string {
  const text = model.forward?.textModelType;
  if (text === undefined) return model.family;
  for (const name of [text, text.replace(/_text$/, "")]) if (name in FAMILIES || PLAIN.has(name)) return name;
  return model.family;
}
