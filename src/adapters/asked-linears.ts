/** `loraLinears` for the public library, where a request comes from JavaScript. */
import type { Architecture } from "../architecture/model.ts";
import { checkOptions, type OptionKinds } from "../known-options.ts";
import { type LoraLinear, type LoraRequest, loraLinears } from "./lora.ts";

const REQUEST: OptionKinds<LoraRequest> = {
  rank: "number!",
  targets: "string or list!",
  dora: "boolean",
  experts: "boolean",
  routers: "boolean",
};

/**
 * As `loraLinears`, and a request that is not of its form is refused.
 *
 * @throws unknown-name for an option that there is not, bad-option
 * @example askedLinears(llama_3_1_8b, { rank: 16, targets: "attention" }).length // 4
 */
export function askedLinears(model: Architecture, request: LoraRequest): readonly LoraLinear[] {
  checkOptions(request, REQUEST, "loraLinears");
  return loraLinears(model, request);
}
