import type { LatentMixer, Mixer, RecurrentMixer } from "../../architecture/mixers/mixer.ts";
import type { LayerKind, Tensor } from "../../architecture/model.ts";
import type { Bytes } from "../../units.ts";
import { type Brought, F32, type Graph, type GraphInput, sentMatrix, turns } from "./compute-graph.ts";
import type { GraphTensor } from "./graph-allocator.ts";

export interface MixerInput {
  readonly mixer: Mixer;
  readonly kind: LayerKind;
  readonly normed: GraphTensor;
  readonly width: Bytes;
  readonly input: GraphInput;
  readonly brought: Brought;
}

/** What a mixer does between its norm and the residual sum. */
export function mixerGraph(graph: Graph, at: MixerInput): GraphTensor {
  const { op } = graph;
  const { mixer, kind, normed, width, input } = at;
  const row = input.ubatchTokens * F32;
  /** What a projection reads beside its input. */
  const sentFor = (role: Tensor["role"]): readonly GraphTensor[] =>
    sentMatrix(graph, input, { role, of: "dense" });
  switch (mixer.kind) {
    case "attention": {
      const queries = mixer.queryHeads * mixer.keyDim;
      const keys = mixer.kvHeads * mixer.keyDim;
      const values = mixer.kvHeads * mixer.valueDim;
      const owned = mixer.cache === "own" || mixer.cache === "none";
      const gated = kind.tensors.some(({ role, shape }) => role === "attn-q" && shape[0]! >= 2 * queries);
      const fused = kind.tensors.some(({ role }) => role === "attn-qkv");
      const whole = fused
        ? op("qkv", (queries + keys + values) * row, [normed, ...sentFor("attn-qkv")])
        : gated
          ? op("queries", 2 * queries * row, [normed, ...sentFor("attn-q")])
          : undefined;
      const copied = fused && input.copiedParts === true;
      // Queries and keys are cut into heads, a view, which no operation may overwrite: rotation makes a copy.
      const rotated = (
        name: "queries" | "keys",
        bytes: Bytes,
        whole: GraphTensor | undefined,
      ): GraphTensor => {
        const raw =
          whole === undefined || input.normsAfter
            ? op(name, bytes, [normed, ...sentFor(name === "keys" ? "attn-k" : "attn-q")])
            : copied
              ? op(name, bytes, [whole])
              : whole;
        return input.normsAfter ? raw : op(name, bytes, [raw, at.brought.positions]);
      };
      const { hadamard } = at.brought;
      const turned = (asked: boolean, dim: number, straight: GraphTensor): GraphTensor =>
        asked && hadamard !== null && mixer.cache !== "none" && turns(dim)
          ? op("turned", straight.bytes, [straight, hadamard])
          : straight;
      const { keys: turnKeys, values: turnValues } = input.turned;
      const q = turned(turnKeys, mixer.keyDim, rotated("queries", queries * row, whole));
      const plainValues = !owned
        ? whole
        : fused && !copied
          ? whole
          : op("values", values * row, copied ? [whole!] : [normed, ...sentFor("attn-v")]);
      const v =
        owned && plainValues !== undefined ? turned(turnValues, mixer.valueDim, plainValues) : plainValues;
      const k = owned
        ? turned(turnKeys, mixer.keyDim, rotated("keys", keys * row, fused ? whole : undefined))
        : undefined;
      const reads = [k, v].filter((tensor) => tensor !== undefined);
      if (mixer.cache === "own" && reads.length > 0) op("cache", 0, [...reads, at.brought.indices]);
      const result = attentionGraph(graph, {
        ...at,
        queries: q,
        uncached: mixer.cache === "none" ? reads : [],
        heads: mixer.queryHeads,
        result: mixer.queryHeads * mixer.valueDim,
        row: { keys, values },
      });
      const attended = turned(turnValues, mixer.valueDim, result);
      if (!gated) return op("attention output", width, [attended, ...sentFor("attn-o")]);
      const gate = op("gate", queries * row, [whole!]);
      const product = op("attention", attended.bytes, [attended, gate], gate);
      return op("attention output", width, [product, ...sentFor("attn-o")]);
    }
    case "latent":
      return latentGraph(graph, { ...at, mixer });
    case "compressed": {
      const q = op("queries", mixer.queryHeads * mixer.headDim * row, [normed]);
      const attended = attentionGraph(graph, {
        ...at,
        queries: q,
        uncached: [],
        heads: mixer.queryHeads,
        result: mixer.queryHeads * mixer.headDim,
        row: { keys: mixer.headDim, values: 0 },
      });
      return op("attention output", width, [attended]);
    }
    case "recurrent":
      return recurrentGraph(graph, { ...at, mixer });
    case "conv": {
      const tail = (mixer.kernel - 1) * mixer.channels * input.sequences * F32;
      const projected = op("convolution", 3 * mixer.channels * row, [normed]);
      const product = op("convolution", mixer.channels * row, [projected]);
      const state = op("convolution", tail, []);
      const joined = op("convolution", mixer.channels * row + tail, [state, product]);
      op("cache", 0, [joined]);
      const convolved = op("convolution", mixer.channels * row, [joined]);
      const gated = op("convolution", mixer.channels * row, [projected, convolved], convolved);
      return op("convolution", width, [gated]);
    }
  }
}

function attentionGraph(
  graph: Graph,
  at: MixerInput & {
    readonly queries: GraphTensor;
    /** Keys and values of an encoder, which has no cache. */
    readonly uncached: readonly GraphTensor[];
    readonly heads: number;
    readonly result: number;
    /** Elements of a cell. */
    readonly row: { readonly keys: number; readonly values: number };
  },
): GraphTensor {
  const { op } = graph;
  const { input, queries, uncached, heads } = at;
  const window = input.windowOf(at.mixer);
  const result = at.result * input.ubatchTokens * F32;
  const cells = input.cellsOf(window);
  const format = input.copiedCache;
  const sent =
    format === null
      ? []
      : [
          op("cached keys", cells * format.keyBytesPerVector(at.row.keys), []),
          op(
            "cached values",
            at.row.values === 0 ? 0 : cells * format.valueBytesPerVector(at.row.values),
            [],
          ),
        ];
  if (input.flashAttention) {
    const halves = uncached.map((tensor) => op("half copy", tensor.bytes / 2, [tensor]));
    return op("attention", result, [queries, ...sent, ...halves, at.brought.mask(graph, window)]);
  }
  const [keys, values] = uncached;
  const size = heads * cells * input.ubatchTokens * F32;
  const scores = op("scores", size, keys === undefined ? [queries, ...sent] : [keys, queries]);
  const softmax = op("softmax", size, [scores, at.brought.mask(graph, window)], scores);
  const turned = values === undefined ? undefined : op("values", values.bytes, [values]);
  const attended = op("attention", result, turned === undefined ? [softmax] : [turned, softmax]);
  return op("attention", result, [attended]);
}

function latentGraph(graph: Graph, at: MixerInput & { readonly mixer: LatentMixer }): GraphTensor {
  const { op } = graph;
  const { mixer, normed, width, input } = at;
  const row = input.ubatchTokens * F32;
  const { queryHeads: heads, latentDim, ropeDim, nopeDim, valueDim } = mixer;
  const low =
    mixer.queryLatentDim === undefined ? normed : op("queries", mixer.queryLatentDim * row, [normed]);
  const q = op("queries", heads * (nopeDim + ropeDim) * row, [low]);
  // Queries are absorbed into the latent space before they meet the cache.
  const absorbed = op("queries", heads * latentDim * row, [q]);
  const rotated = op("queries", heads * ropeDim * row, [q]);
  const joined = op("queries", heads * (latentDim + ropeDim) * row, [absorbed, rotated]);
  const latent = op("latent and rotary", (latentDim + ropeDim) * row, [normed]);
  const compressed = op("latent", latentDim * row, [latent]);
  const rotary = op("rotary key", ropeDim * row, [latent]);
  const key = op("key", (latentDim + ropeDim) * row, [rotary, compressed]);
  op("cache", 0, [key]);
  const attended = attentionGraph(graph, {
    ...at,
    queries: joined,
    uncached: [],
    heads,
    result: heads * latentDim,
    row: { keys: latentDim + ropeDim, values: 0 },
  });
  const values = op("values", heads * valueDim * row, [attended]);
  const inRows = op("values", heads * valueDim * row, [values]);
  return op("attention output", width, [inRows]);
}

/** Gated delta net with its fused kernel; other recurrences as one without key norms. */
function recurrentGraph(graph: Graph, at: MixerInput & { readonly mixer: RecurrentMixer }): GraphTensor {
  const { op } = graph;
  const { mixer, normed, width, input } = at;
  const row = input.ubatchTokens * F32;
  const { convChannels: channels, innerDim: inner } = mixer;
  const states = mixer.stateElements * input.sequences * F32;
  const tail = Math.max(0, mixer.convKernel - 1) * channels * input.sequences * F32;
  const kept = op("convolution", tail, []);
  const sentFor = (role: Tensor["role"]): readonly GraphTensor[] =>
    sentMatrix(graph, input, { role, of: "dense" });
  const projected = op("convolution", channels * row, [normed, ...sentFor("recurrent-in")]);
  const joined = op("convolution", channels * row + tail, [kept, projected]);
  op("cache", 0, [joined]);
  const state = op("state", states, []);
  const convolved = op("convolution", channels * row, [joined]);
  const delta = mixer.variant === "gated-delta" || mixer.variant === "kda";
  const key = Math.max(0, channels - inner) / 2;
  const normedKeys = delta ? [op("queries", key * row, [convolved]), op("keys", key * row, [convolved])] : [];
  const scalars = delta
    ? [op("decay", mixer.heads * row, [normed]), op("beta", mixer.heads * row, [normed])]
    : [];
  const scanned = op("recurrence", inner * row + states * input.states, [
    ...normedKeys,
    convolved,
    ...scalars,
    state,
  ]);
  op("cache", 0, [scanned]);
  const output = op("normed recurrence", inner * row, [scanned]);
  const gate = op("activated gate", inner * row, [
    op("gate", inner * row, [normed, ...sentFor("recurrent-in")]),
  ]);
  const gated = op("gated recurrence", inner * row, [output, gate], output);
  return op("recurrence output", width, [gated, ...sentFor("recurrent-out")]);
}
