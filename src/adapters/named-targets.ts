/** Targets of adapters as module names of one model. */
import type { Architecture, Stack, Tensor } from "../architecture/model.ts";
import { compilePattern } from "../architecture/module-pattern.ts";
import { forEachTensor } from "../architecture/parameters.ts";
import type { MatchBudget } from "../architecture/pattern-program.ts";
import {
  isPattern,
  type LoraTargets,
  moduleName,
  type NamedTargets,
  refusedTargets,
} from "./lora-targets.ts";

/** Visits of the matcher for one pattern over one model: a second or so. */
const WORK = 60_000_000;

/**
 * The targets with a regular expression replaced by the names that it matches, as PEFT matches it: against the
 * whole path of every linear, "model.layers.3.self_attn.q_proj".
 *
 * Not modelled: expressions that take some of several equal layers, or one of two stacks that name alike.
 *
 * @throws bad-option for an expression that is not read, or takes only some of equal layers
 * @example namedTargets(llama_3_1_8b, "re:.*\\.(q|v)_proj") // ["self_attn.q_proj", "self_attn.v_proj"]
 */
export function namedTargets(model: Architecture, targets: LoraTargets): NamedTargets {
  if (!isPattern(targets)) return typeof targets === "string" ? targets : longNames(model, targets);
  const source = targets.slice("re:".length);
  const match = compilePattern(`(?:${source})$`);
  if (match === null)
    throw refusedTargets(targets, "a regular expression without back references or look-behind");
  const budget: MatchBudget = { steps: WORK };
  const taken = new Set<string>();
  const left = new Set<string>();
  const visit = (tensor: Tensor, path: string): void => {
    if (tensor.kind !== "linear" && tensor.kind !== "embedding") return;
    (match(path, budget) ? taken : left).add(moduleName(tensor));
    if (budget.steps <= 0) throw refusedTargets(targets, "an expression that can be matched in a second");
  };
  for (const tensor of model.tensors) visit(tensor, moduleName(tensor));
  for (const stack of model.stacks) {
    if (stack.role === "mtp") continue;
    let layer = stack.slice?.first ?? 0;
    for (const { kind, count } of stack.runs)
      for (let i = 0; i < count; i++, layer++) visitLayer(stack, kind, layer, visit);
  }
  const split = [...taken].find((name) => left.has(name));
  if (split !== undefined)
    throw refusedTargets(targets, `an expression that takes ${split} of every layer or of none`);
  if (taken.size === 0)
    throw refusedTargets(
      targets,
      "an expression that matches the whole path of a linear, as re:.*q_proj does",
    );
  return [...taken];
}

/** What people call projections, by the names that most classes give them; T5's are `q` and `v` themselves. */
const SHORT_NAMES: ReadonlySet<string> = new Set(["q", "k", "v", "o", "gate", "up", "down"]);

/** Short names of projections that the model has no module of, as `q_proj` and the like. */
function longNames(model: Architecture, targets: readonly string[]): readonly string[] {
  if (!targets.some((name) => SHORT_NAMES.has(name))) return targets;
  const modules = new Set<string>();
  forEachTensor(model, (tensor) => modules.add(moduleName(tensor).replace(/^.*\./, "")));
  return targets.map((name) => (SHORT_NAMES.has(name) && !modules.has(name) ? `${name}_proj` : name));
}

function visitLayer(
  stack: Stack,
  kind: number,
  layer: number,
  visit: (tensor: Tensor, path: string) => void,
): void {
  for (const tensor of stack.kinds[kind]!.tensors)
    visit(tensor, `${stack.prefix}.${layer}.${moduleName(tensor)}`);
}
