/** Which modules get adapters, as people and PEFT say it. What that is in one model: named-targets.ts. */
import type { Tensor } from "../architecture/model.ts";
import { VramCalcError } from "../errors.ts";

/**
 * `all-linear`: every linear inside the layers, never the head or the embedding. `attention`: q, k, v and o (or
 * their fused forms). `query-value`: q and v, PEFT's default for most families. A list holds module names, as
 * suffixes ("q_proj"), which may also name the head or embedding, and groups.
 */
export type NamedTargets = TargetGroup | readonly string[];
export type TargetGroup = "all-linear" | "attention" | "query-value";

/** Named targets, or a regular expression over whole module paths: "re:.*self_attn\.(q|v)_proj". */
export type LoraTargets = NamedTargets | `re:${string}`;

/** The path of a weight without its ".weight". */
export const moduleName = (tensor: Tensor): string => tensor.name.replace(/\.weight$/, "");

/** Names that stand for several linears. */
export const TARGET_GROUPS: readonly TargetGroup[] = ["all-linear", "attention", "query-value"];

/** Whether a name is one of them. */
export const isTargetGroup = (name: string): name is TargetGroup =>
  TARGET_GROUPS.some((group) => group === name);

/**
 * Targets as typed: groups and names joined by `+` or `,`, or `re:` and a regular expression.
 *
 * @example parseLoraTargets("q_proj,v_proj") // ["q_proj", "v_proj"]
 */
export function parseLoraTargets(text: string): LoraTargets {
  if (isPattern(text)) return text;
  if (isTargetGroup(text)) return text;
  const names = text.split(/[+,]/).map((name) => name.trim());
  if (names.includes(""))
    throw refusedTargets(text === "" ? "nothing" : text, "names joined by a comma, such as q_proj,v_proj");
  return names;
}

/** Whether targets are given as a regular expression. */
export const isPattern = (targets: string | readonly string[]): targets is `re:${string}` =>
  typeof targets === "string" && targets.startsWith("re:");

/** The refusal of targets, with what would be read. */
export const refusedTargets = (given: string, expected: string): VramCalcError =>
  new VramCalcError("bad-option", { option: "--lora-targets", given: given.slice(0, 100), expected });
