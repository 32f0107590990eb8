/**
 * Low-rank adapters: which linears they sit on and what they add (Hu et al., arXiv:2106.09685; the choices
 * are those of PEFT 0.21).
 */
import type { Architecture, Note, Stack, Tensor } from "../architecture/model.ts";
import { VramCalcError } from "../errors.ts";
import { groupDigits } from "../units.ts";
import { expertTargets } from "./fused-experts.ts";
import {
  isTargetGroup,
  type LoraTargets,
  moduleName,
  type NamedTargets,
  type TargetGroup,
} from "./lora-targets.ts";
import { namedTargets } from "./named-targets.ts";

export interface LoraRequest {
  /** r: columns of A, rows of B. */
  readonly rank: number;
  readonly targets: LoraTargets;
  /** Magnitude vector per output (DoRA, arXiv:2402.09353). */
  readonly dora?: boolean;
  /** Fused experts get adapters too; by default where PEFT gives them some (`adaptsFusedExperts`). */
  readonly experts?: boolean;
  /** Routers are linears like any other: where each expert is a module of its own (transformers before 5.0). */
  readonly routers?: boolean;
}

/** A request whose targets are names of the model's modules. */
export type NamedRequest = Omit<LoraRequest, "targets"> & { readonly targets: NamedTargets };

/** One adapted weight. */
export interface LoraLinear {
  readonly tensor: Tensor;
  /** Path inside the model: "model.layers.*.self_attn.q_proj". */
  readonly name: string;
  readonly inDim: number;
  readonly outDim: number;
  /** Layers that hold one. */
  readonly layers: number;
  /** Trainable parameters in one layer. */
  readonly parametersEach: number;
  readonly parameters: number;
}

const ATTENTION: ReadonlySet<Tensor["role"]> = new Set([
  "attn-q",
  "attn-k",
  "attn-v",
  "attn-qkv",
  "attn-o",
  "attn-q-a",
  "attn-q-b",
  "attn-kv-a",
  "attn-kv-b",
]);
const QUERY_VALUE: ReadonlySet<Tensor["role"]> = new Set([
  "attn-q",
  "attn-v",
  "attn-qkv",
  "attn-q-b",
  "attn-kv-b",
]);

/**
 * True when the request puts an adapter on this tensor of a layer (`inLayer`) or outside the layers.
 *
 * Routers that score several experts are modules of their own kind and are reached with the experts only;
 * the gate of a shared expert is an ordinary linear.
 *
 * @example isLoraTarget(llama_3_1_8b.stacks[0].kinds[0].tensors[1], true, { rank: 8, targets: "all-linear" }) // true
 */
export function isLoraTarget(tensor: Tensor, inLayer: boolean, request: NamedRequest): boolean {
  const { targets } = request;
  if (typeof targets === "string") return inLayer && inGroup(tensor, targets, request);
  return targets.some((target) =>
    isTargetGroup(target) ? inLayer && inGroup(tensor, target, request) : isNamed(tensor, target),
  );
}

function isNamed(tensor: Tensor, target: string): boolean {
  if (tensor.kind !== "linear" && tensor.kind !== "expert" && tensor.kind !== "embedding") return false;
  const name = moduleName(tensor);
  return name === target || name.endsWith(`.${target}`);
}

function inGroup(
  tensor: Tensor,
  group: TargetGroup,
  { experts = false, routers = false }: Pick<LoraRequest, "experts" | "routers">,
): boolean {
  const router = tensor.role === "router" && tensor.shape[0] !== 1;
  if (tensor.kind === "expert" || (router && tensor.kind === "linear"))
    return group === "all-linear" && (experts || (router && routers));
  // Fused experts take over the names gate_proj, up_proj and down_proj: dense and shared MLPs lose theirs, and so does AFMoE's attention.
  if (experts && (tensor.role.startsWith("mlp-") || /(^|\.)gate_proj\.weight$/.test(tensor.name)))
    return false;
  if (tensor.kind !== "linear" || tensor.shape.length !== 2) return false;
  switch (group) {
    case "all-linear":
      return true;
    case "attention":
      return ATTENTION.has(tensor.role);
    case "query-value":
      return QUERY_VALUE.has(tensor.role);
  }
}

/**
 * Trainable parameters of an adapter on one weight of a layer, experts counted.
 *
 *     linear W [out, in]      r * (in + out), and `out` more with DoRA
 *     E fused experts         E * r * (in + out); gate and up share one tensor, which doubles the rank:
 *                             E * r * (in + 2 out) for each of the two
 *
 * @example loraParameters({ shape: [2048, 1024], ... }, { rank: 32, ... }) // 98_304 = 32 x (1024 + 2048)
 */
export function loraParameters(tensor: Tensor, request: Pick<LoraRequest, "rank" | "dora">): number {
  const [outDim, inDim] = tensor.shape as readonly [number, number];
  const { rank } = request;
  if (tensor.kind === "expert") {
    const fused = tensor.role === "mlp-gate" || tensor.role === "mlp-up";
    return tensor.copies * rank * (inDim + (fused ? 2 : 1) * outDim);
  }
  return rank * (inDim + outDim) + (request.dora === true ? outDim : 0);
}

/**
 * Every weight that the request adapts, in the model's order, each with what the adapter adds.
 *
 * @throws bad-option for a rank that is not a whole number from 1, or targets that match nothing
 * @example loraLinears(llama_3_1_8b, { rank: 16, targets: "all-linear" }).length // 7, 41,943,040 parameters in all
 */
export function loraLinears(model: Architecture, request: LoraRequest): readonly LoraLinear[] {
  if (!Number.isSafeInteger(request.rank) || request.rank < 1 || request.rank > 65_536) {
    throw new VramCalcError("bad-option", {
      option: "--lora r",
      given: String(request.rank),
      expected: "a whole number from 1 to 65,536",
    });
  }
  const found = adaptedLinears(model, request);
  if (found.length === 0) throw noTarget(model, request.targets);
  const { targets } = request;
  // A name among others that matches nothing is a slip of the pen.
  for (const target of typeof targets === "string" ? [] : targets) {
    const alone = { ...request, targets: [target] };
    if (targets.length > 1 && adaptedLinears(model, alone).length === 0) throw noTarget(model, [target]);
  }
  return found;
}

/** `loraLinears` of a part of a model, which may hold no target. */
export function adaptedLinears(model: Architecture, request: LoraRequest): readonly LoraLinear[] {
  const reached = expertTargets(model);
  const named: NamedRequest = {
    ...request,
    targets: namedTargets(model, request.targets),
    experts: request.experts ?? reached.experts,
    routers: request.routers ?? reached.routers,
  };
  const found: LoraLinear[] = [];
  const visit = (tensor: Tensor, layers: number, stack: Stack | null): void => {
    if (!isLoraTarget(tensor, stack !== null, named)) return;
    const [outDim, inDim] = tensor.shape as readonly [number, number];
    const parametersEach = loraParameters(tensor, request);
    const name = stack === null ? moduleName(tensor) : `${stack.prefix}.*.${moduleName(tensor)}`;
    found.push({ tensor, name, inDim, outDim, layers, parametersEach, parameters: layers * parametersEach });
  };
  for (const tensor of model.tensors) visit(tensor, 1, null);
  for (const stack of model.stacks) {
    if (stack.role === "mtp") continue;
    stack.kinds.forEach((kind, k) => {
      for (const tensor of kind.tensors) visit(tensor, stack.counts[k]!, stack);
    });
  }
  return found;
}

function noTarget(model: Architecture, targets: LoraTargets): VramCalcError {
  const given = typeof targets === "string" ? targets : targets.join(",");
  if (model.tied && /(^|\.)(lm_head|output|embed_out)$/.test(given))
    return new VramCalcError("bad-option", {
      option: "--lora-targets",
      given,
      expected: "a module with a weight of its own: the head of this model is tied to the embedding",
    });
  const linears = new Set<string>();
  for (const stack of model.stacks) {
    for (const kind of stack.kinds)
      for (const t of kind.tensors) if (t.kind === "linear") linears.add(moduleName(t).replace(/^.*\./, ""));
  }
  const names = [...linears].slice(0, 12).join(", ");
  return new VramCalcError("bad-option", {
    option: "--lora-targets",
    given,
    expected: `all-linear, attention, query-value or linears of this model: ${names}; re: begins a regular expression`,
  });
}

/**
 * Trainable parameters over all adapted weights.
 *
 * @example loraParameterCount(loraLinears(llama_3_1_8b, { rank: 16, targets: "all-linear" })) // 41_943_040
 */
export function loraParameterCount(linears: readonly LoraLinear[]): number {
  return linears.reduce((sum, linear) => sum + linear.parameters, 0);
}

/** Says that experts are adapted, which most people do not expect of `all-linear`. */
export function adaptedExpertNotes(model: Architecture, linears: readonly LoraLinear[]): readonly Note[] {
  const experts = linears.filter((l) => l.tensor.kind === "expert");
  if (experts.length === 0) return [];
  const parameters = loraParameterCount(experts);
  const { family } = model;
  return [
    {
      code: "adapted-experts",
      message: `adapters reach the fused experts, as PEFT 0.21 does for ${family}: ${groupDigits(parameters)} of ${groupDigits(loraParameterCount(linears))} adapter parameters; name modules (attention) to leave them out`,
      details: { parameters },
    },
  ];
}
