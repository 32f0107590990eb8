/**
 * Names of modules as skip lists write them. A class, its checkpoint and its quantizer call one module by
 * different paths; lists are compared in one spelling, patterns are tried on every spelling.
 */
import type { Architecture } from "../architecture/model.ts";
import { inTower, isTower } from "../architecture/stack.ts";
import type { Place } from "./scheme.ts";

/** "model.layers.3.mlp.experts.0.up_proj": the path of a tensor's module; one expert speaks for all. */
export function moduleName({ tensor, stack, layer }: Place): string {
  const inner = tensor.name
    .replace(/\.(weight|bias)$/, "")
    .replace(/(^|\.)experts\.(?=[a-z])/, "$1experts.0.");
  if (stack === null) return inner;
  return stack.prefix === "" ? `${layer}.${inner}` : `${stack.prefix}.${layer}.${inner}`;
}

/** Leading segments that wrap the language model and differ between versions of one class. */
const WRAPPERS: ReadonlySet<string> = new Set([
  "model",
  "language_model",
  "transformer",
  "text_model",
  "llm",
]);

const SAME_SEGMENT: { readonly [segment: string]: string } = {
  block_sparse_moe: "mlp",
  feed_forward: "mlp",
  ffn: "mlp",
  attn: "self_attn",
  w1: "gate_proj",
  w3: "up_proj",
  w2: "down_proj",
  gate_up_proj: "gate_proj",
  fused_wqa_wkv: "q_a_proj",
  wq_a: "q_a_proj",
  wkv: "kv_proj",
  wo_a: "o_a_proj",
  wo_b: "o_b_proj",
  index_q_proj: "indexer.q_proj",
  index_k_proj: "indexer.k_proj",
};

/**
 * One spelling for comparison: wrappers dropped, block and projection names of other checkpoints replaced,
 * experts without their number. Null for one expert beyond the first, which the first speaks for.
 *
 * @example canonicalName("language_model.model.layers.3.block_sparse_moe.experts.0.w1") // "layers.3.mlp.experts.gate_proj"
 */
export function canonicalName(name: string): string | null {
  const segments = name.split(".");
  let first = 0;
  while (first < segments.length - 1 && WRAPPERS.has(segments[first]!)) first++;
  const out: string[] = [];
  for (let i = first; i < segments.length; i++) {
    const segment = segments[i]!;
    if (segments[i - 1] === "experts" && /^\d+$/.test(segment)) {
      if (segment !== "0") return null;
      continue;
    }
    out.push(Object.hasOwn(SAME_SEGMENT, segment) ? SAME_SEGMENT[segment]! : segment);
  }
  return out.join(".");
}

/** How DeepSeek V4's own files and vLLM call the modules of its class. */
function nativeV4(name: string): string {
  return name
    .replace(/^model\./, "")
    .replace(".self_attn.compressor.indexer.q_b_proj", ".attn.indexer.wq_b")
    .replace(".self_attn.compressor.indexer.scorer.weights_proj", ".attn.indexer.weights_proj")
    .replace(".self_attn.compressor.indexer.", ".attn.indexer.compressor.")
    .replace(/\.self_attn\.(q_a_proj|kv_proj)$/, ".attn.fused_wqa_wkv")
    .replace(/\.self_attn\.q_b_proj$/, ".attn.wq_b")
    .replace(/\.self_attn\.o_a_proj$/, ".attn.wo_a")
    .replace(/\.self_attn\.o_b_proj$/, ".attn.wo_b")
    .replace(".self_attn.", ".attn.")
    .replace(".mlp.", ".ffn.")
    .replace(/^lm_head$/, "head");
}

/** Whether the module belongs to a tower or to what joins it to the language model. */
const ofTower = ({ tensor, stack }: Place): boolean =>
  stack === null ? inTower(tensor) : isTower(stack.role);

/** Starts of the language model's modules, which one version of a composite class or another has. */
const TEXT_STARTS = ["model.", "model.language_model.", "language_model.model."] as const;
/** Starts of the modules beside it. */
const TOWER_STARTS = ["", "model.", "thinker."] as const;

/**
 * Every spelling that a pattern may be written for: a composite class of transformers 5 has "model.visual" and
 * "model.language_model" where one of version 4 has "visual" and "model".
 */
export function spellings(place: Place, model: Architecture): readonly string[] {
  const name = moduleName(place);
  const names = new Set([name, ...otherSpellings(name, place)]);
  if (model.modelType === "deepseek_v4") names.add(nativeV4(name));
  return [...names];
}

function otherSpellings(name: string, place: Place): readonly string[] {
  const under = (starts: readonly string[], bare: string) => starts.map((start) => start + bare);
  if (ofTower(place)) return under(TOWER_STARTS, name.replace(/^(?:model|thinker)\./, ""));
  if (/^(?:language_model\.)?lm_head$/.test(name)) return under(["", "language_model."], "lm_head");
  const bare = name.replace(/^(?:model\.language_model|language_model\.model|model)\./, "");
  return bare === name ? [] : under(TEXT_STARTS, bare);
}
