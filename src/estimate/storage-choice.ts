/** How the weights are stored: as asked for, as the files or the config say, else bf16. */
import type { Architecture, Note } from "../architecture/model.ts";
import { hasExperts } from "../architecture/stack.ts";
import { runtimeOf } from "../engines/engine-name.ts";
import { plainStorageByName, type WeightStorage } from "../quantization/storage.ts";
import { onceFor } from "../remember.ts";
import type { EstimateOptions } from "./estimate-options.ts";

/** The storage of the weights and, in `notes`, what was guessed of it. */
export function chooseStorage(
  model: Architecture,
  options: EstimateOptions,
  storageOf: (name: string) => WeightStorage,
  notes: Note[],
): WeightStorage {
  // gpt-oss is published so, and its GGUF is the file type of experts in mxfp4 and the rest in q8_0.
  if (
    ofGguf(options) &&
    hasExperts(model) &&
    (options.dtype ?? options.stored?.id)?.toLowerCase() === "mxfp4"
  )
    return storageOf("mxfp4_moe");
  if (options.dtype === undefined && options.stored !== undefined) return options.stored;
  const name = options.dtype ?? model.dtype;
  if (name !== undefined) {
    const plain = plainStorageByName(name);
    if (plain === null) return storageOf(name);
    return ofGguf(options) && GGUF_TYPES.has(plain.id)
      ? storageOf(`gguf_${GGUF_TYPES.get(plain.id)}`)
      : plain;
  }
  const { partialDtype } = model;
  notes.push(partialDtype === undefined ? DEFAULT_DTYPE_NOTE : partialDtypeNote(partialDtype));
  return guessed(storageOf("bf16"));
}

/** The format of a model that does not say its own. */
const guessed = onceFor((storage: WeightStorage): WeightStorage => ({ ...storage, basis: "assumed" }));

/** A llama.cpp engine reads a GGUF file, whose norms are fp32 whatever the type it is called by. */
export const ofGguf = ({ engine }: EstimateOptions): boolean => runtimeOf(engine) === "llama.cpp";

const GGUF_TYPES: ReadonlyMap<string, string> = new Map([
  ["fp32", "f32"],
  ["fp16", "f16"],
  ["bf16", "bf16"],
]);

const DEFAULT_DTYPE_NOTE: Note = {
  code: "default-dtype",
  message: "the model does not say how its weights are stored: bf16 taken; --dtype sets another",
  details: { dtype: "bf16" },
};

/** A dtype of 8 bits without a block that says which tensors have it, and with what scales. */
const partialDtypeNote = (dtype: string): Note => ({
  code: "default-dtype",
  message: `the config calls its weights ${dtype} and does not say which of them: bf16 taken; --dtype fp8 sizes the linears in 8 bits`,
  details: { dtype: "bf16", stated: dtype },
});
