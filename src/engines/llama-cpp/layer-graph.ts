import type { ExpertsFeedForward, LayerKind } from "../../architecture/model.ts";
import type { Bytes, Tokens } from "../../units.ts";
import { type Brought, F32, type Graph, type GraphInput, sentMatrix } from "./compute-graph.ts";
import type { GraphTensor } from "./graph-allocator.ts";
import { mixerGraph } from "./mixer-graph.ts";

/**
 * One layer as llama.cpp writes it down. Norms, rotations, biases and activations of one input work in place and are
 * no nodes here; matrix products, gated activations (`ggml_swiglu_split`), concatenations and copies are.
 *
 * Source: llama.cpp b9842, src/llama-graph.cpp `build_attn`, `build_ffn`, `build_moe_ffn`, src/models/delta-net-base.cpp,
 * qwen35.cpp, lfm2.cpp, deepseek2.cpp.
 */
export function layerGraph(
  graph: Graph,
  kind: LayerKind,
  at: {
    readonly hidden: GraphTensor;
    readonly input: GraphInput;
    readonly brought: Brought;
    readonly hiddenSize: number;
    /** Tokens that go on to the head, in the last layer before it: from its feed-forward on. */
    readonly outputs: Tokens | null;
  },
): GraphTensor {
  const { op } = graph;
  const { hiddenSize, outputs } = at;
  let { hidden, input } = at;
  let width = hiddenSize * input.ubatchTokens * F32;
  const add = (branch: GraphTensor, over = branch): void => {
    hidden = op("residual", branch.bytes, [branch, hidden], over);
    if (input.normsAfter) hidden = op("norm", branch.bytes, [hidden]);
  };
  const norm = (): GraphTensor => (input.normsAfter ? hidden : op("norm", width, [hidden]));
  if (kind.mixers.length > 0) {
    const normed = norm();
    let mixed: GraphTensor | undefined;
    for (const mixer of kind.mixers) {
      const result = mixerGraph(graph, { mixer, kind, normed, width, input, brought: at.brought });
      mixed = mixed === undefined ? result : op("sum", width, [mixed, result], mixed);
    }
    if (mixed !== undefined && outputs !== null) {
      input = { ...input, ubatchTokens: outputs };
      width = hiddenSize * outputs * F32;
      mixed = op("output rows", width, [mixed, at.brought.rows]);
      hidden = op("output rows", width, [hidden, at.brought.rows]);
    }
    // The result of a recurrence comes as a view.
    const view = kind.mixers.some((mixer) => mixer.kind === "recurrent" || mixer.kind === "conv");
    if (mixed !== undefined) add(mixed, view ? hidden : mixed);
  }
  const { feedForward } = kind;
  switch (feedForward.kind) {
    case "none":
      break;
    case "dense": {
      const normed = norm();
      add(gatedGraph(graph, { normed, input, width, inner: feedForward.width, gated: feedForward.gated }));
      break;
    }
    case "experts":
      add(expertsGraph(graph, { ffn: feedForward, hidden, input, width }));
      break;
  }
  return hidden;
}

function gatedGraph(
  graph: Graph,
  at: {
    readonly normed: GraphTensor;
    readonly input: GraphInput;
    readonly width: Bytes;
    readonly inner: number;
    readonly gated: boolean;
  },
): GraphTensor {
  const bytes = at.inner * at.input.ubatchTokens * F32;
  const { op } = graph;
  const product = (
    role: "mlp-gate" | "mlp-up" | "mlp-down",
    name: string,
    size: Bytes,
    read: GraphTensor,
  ): GraphTensor => op(name, size, [read, ...sentMatrix(graph, at.input, { role, of: "dense" })]);
  if (!at.gated)
    return product("mlp-down", "feed-forward", at.width, product("mlp-up", "up", bytes, at.normed));
  const gate = product("mlp-gate", "gate", bytes, at.normed);
  const up = product("mlp-up", "up", bytes, at.normed);
  return product(
    "mlp-down",
    "feed-forward",
    at.width,
    op("up", bytes, [gate, up], at.input.gatesInPlace ? gate : undefined),
  );
}

function expertsGraph(
  graph: Graph,
  at: {
    readonly ffn: ExpertsFeedForward;
    readonly hidden: GraphTensor;
    readonly input: GraphInput;
    readonly width: Bytes;
  },
): GraphTensor {
  const { op } = graph;
  const { ffn, input, width } = at;
  const row = input.ubatchTokens * F32;
  const normed = op("norm", width, [at.hidden]);
  const probabilities = op("router", ffn.experts * row, [normed]);
  const order = op("router", ffn.experts * row, [probabilities]);
  const weights = op("router", ffn.activeExperts * row, [probabilities, order]);
  const inner = ffn.activeExperts * ffn.width * row;
  const outer = ffn.activeExperts * (ffn.latentDim === undefined ? width : ffn.latentDim * row);
  const product = (
    role: "mlp-gate" | "mlp-up" | "mlp-down",
    name: string,
    size: Bytes,
    read: GraphTensor,
  ): GraphTensor => op(name, size, [read, order, ...sentMatrix(graph, input, { role, of: "experts" })]);
  const gate = ffn.gated ? product("mlp-gate", "gate", inner, normed) : undefined;
  const up = product("mlp-up", "up", inner, normed);
  const activated =
    gate === undefined ? up : op("up", inner, [gate, up], input.gatesInPlace ? gate : undefined);
  const down = product("mlp-down", "down", outer, activated);
  const weighted = op("down", outer, [down, weights], down);
  let result = op("feed-forward", width, [weighted]);
  for (const inside of [ffn.sharedWidth, ffn.denseWidth ?? 0]) {
    if (inside === 0) continue;
    const shared = gatedGraph(graph, { normed, input, width, inner: inside, gated: ffn.gated });
    result = op("sum", width, [result, shared], result);
  }
  return result;
}
