/** LoRA adapters served beside the base. */
import {
  adaptedExpertNotes,
  adaptedLinears,
  type LoraRequest,
  loraLinears,
  loraParameterCount,
} from "../adapters/lora.ts";
import type { LoraTargets } from "../adapters/lora-targets.ts";
import { namedTargets } from "../adapters/named-targets.ts";
import type { Architecture, Note } from "../architecture/model.ts";
import { exactTerm, type Term } from "../memory/term.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import { positive } from "./prepare.ts";

/** Adapters served beside the base model. */
export interface ServedAdapters {
  readonly rank: number;
  /** How many lie on the card at once. */
  readonly count: number;
  readonly targets: LoraTargets;
}

/** Engines load adapters in the 16 bits of the compute format. */
const ADAPTER_BYTES = 2;
const FORMULA = "{count} adapters x {parameters} parameters x {width} B";

/**
 * What a device holds of the adapters, as a function of its part of the model.
 *
 *     bytes = adapters * sum over adapted linears of r * (in + out), of the part that the rank holds, * 2 B
 *
 * Ranks divide one of the two factors: B of a linear that is divided by outputs, A of one divided by inputs; the
 * other lies whole on every rank (vLLM `lora/layers`, without `fully_sharded_loras`).
 *
 * @returns null when none are served
 * @throws bad-option for a rank or targets that the model does not have
 * @example 8 of rank 16 on all linears of llama-3.1-8b over tp 8: 289,406,976 B a rank, not 671,088,640 / 8
 */
export function servedAdapters(
  model: Architecture,
  { lora }: EstimateOptions,
): { readonly term: (held: Architecture) => Term; readonly notes: readonly Note[] } | null {
  if (lora === undefined) return null;
  positive("--lora n", lora.count);
  const request: LoraRequest = { rank: lora.rank, targets: namedTargets(model, lora.targets) };
  const adapted = loraLinears(model, request);
  const term = (held: Architecture): Term => {
    const parameters = loraParameterCount(adaptedLinears(held, request));
    const exact = exactTerm("adapters", lora.count * parameters * ADAPTER_BYTES, FORMULA, {
      count: lora.count,
      parameters,
      width: ADAPTER_BYTES,
    });
    return model.assumed === true ? { ...exact, basis: "assumed" } : exact;
  };
  return { term, notes: adaptedExpertNotes(model, adapted) };
}
