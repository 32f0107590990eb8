/** A directory that holds an adapter and no model: said with what its files tell. */
import { VramCalcError } from "../errors.ts";
import { groupDigits } from "../units.ts";
import { parseJson } from "./json/parse-json.ts";
import { MOST_CONFIG_BYTES } from "./load-model.ts";
import type { ModelFolder } from "./model-folder.ts";

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";

/** True for a PEFT adapter without a model beside it. */
export const isAdapterFolder = (fileNames: readonly string[]): boolean => fileNames.includes(CONFIG);

/**
 * The refusal for such a directory: base model, rank and bytes, and what to type instead.
 *
 * @throws malformed-file for files that are broken
 */
export async function adapterRefusal(folder: ModelFolder): Promise<VramCalcError<"unreadable-path">> {
  const value = parseJson(await folder.readText(CONFIG, MOST_CONFIG_BYTES), CONFIG);
  const keys = (typeof value === "object" && value !== null ? value : {}) as Readonly<
    Record<string, unknown>
  >;
  const base = typeof keys.base_model_name_or_path === "string" ? keys.base_model_name_or_path : "";
  const rank = Number.isInteger(keys.r) && (keys.r as number) > 0 ? (keys.r as number) : null;
  const bytes = folder.fileNames.includes(WEIGHTS) ? await tensorBytes(folder) : null;
  const facts = [
    `it holds an adapter${rank === null ? "" : ` of rank ${rank}`}`,
    ...(base === "" ? [] : [`for ${base.slice(0, 120)}`]),
    ...(bytes === null ? [] : [`with ${groupDigits(bytes)} B of tensors`]),
    "and no model",
  ];
  return new VramCalcError("unreadable-path", {
    path: folder.name,
    reason: facts.join(" "),
    hint: `size the base model${rank === null ? "" : ` with --lora r=${rank}${targetsOf(keys.target_modules)}`}`,
  });
}

/** `targets=` for modules that are listed by plain names; nothing for all linears, or for an expression. */
function targetsOf(modules: unknown): string {
  if (!Array.isArray(modules) || modules.length === 0 || modules.length > MOST_TARGETS) return "";
  return modules.every((name) => typeof name === "string" && /^[\w.]{1,60}$/.test(name))
    ? `,targets=${modules.join("+")}`
    : "";
}

const MOST_TARGETS = 12;

async function tensorBytes(folder: ModelFolder): Promise<number | null> {
  const { readWeightFile } = await import("./safetensors/read-checkpoint.ts");
  return (await readWeightFile(WEIGHTS, folder.open)).totalBytes;
}
