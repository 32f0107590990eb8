import type { Architecture } from "../architecture/model.ts";
import { onceFor } from "../remember.ts";

/**
 * PEFT 0.21 adapts fused experts of these (`utils/transformers_weight_conversion.py`): Mixtral, and what transformers 5.18 converts
 * like Mixtral or Qwen2-MoE (`conversion_mapping.py`), Qwen2-MoE itself not.
 */
const FAMILIES: ReadonlySet<string> = new Set([
  "mixtral",
  "minimax",
  "minimax_m2",
  "afmoe",
  "deepseek_v2",
  "deepseek_v3",
  "deepseek_v32",
  "glm4_moe",
  "dots1",
  "exaone_moe",
  "solar_open",
  "longcat_flash",
  "mellum",
  "cohere2_moe",
  "glm4v_moe",
  "qwen3_omni_moe",
  "glm4_moe_lite",
  "glm_moe_dsa",
  "qwen3_moe",
  "qwen3_next",
  "olmoe",
  "flex_olmo",
  "ernie4_5_moe",
  "hunyuan_v1_moe",
]);

/**
 * Whether `all-linear` reaches experts that transformers holds as one tensor, and the router with them; dense and shared
 * MLPs then lose their adapters, because the experts take over their names.
 */
export function adaptsFusedExperts(model: Pick<Architecture, "family" | "forward">): boolean {
  const text = model.forward?.textModelType;
  const names = text === undefined ? [] : [text, text.replace(/_text$/, "")];
  return [...names, model.family].some((name) => FAMILIES.has(name));
}

/** What of a mixture `all-linear` reaches beside its other linears: experts in one tensor, or routers where experts are modules. */
export const expertTargets = onceFor(
  (model: Architecture): { readonly experts: boolean; readonly routers: boolean } => {
    const tensors = model.stacks.flatMap(({ kinds }) => kinds.flatMap((kind) => kind.tensors));
    const routers = tensors.some((t) => t.kind === "linear" && t.group === "experts");
    // by family and not by tensors: the names go over even where every layer of this model is dense
    return { experts: adaptsFusedExperts(model) && !routers, routers };
  },
);
