/** `--draft MODEL[:dtype]`: a second model, loaded as the first one is. */
import type { DraftModel } from "../estimate/draft.ts";
import { type LoadOptions, loadModel } from "../sources/load-model.ts";

/**
 * The model and the format of `--draft`. A hub id keeps its colon, which names one of its files there.
 *
 * @example draftParts("qwen2.5-0.5b:q8_0") // { reference: "qwen2.5-0.5b", dtype: "q8_0" }
 */
export function draftParts(text: string): { readonly reference: string; readonly dtype?: string } {
  const colon = text.lastIndexOf(":");
  const head = text.slice(0, colon);
  const dtype = text.slice(colon + 1);
  const hub = /^[\w-][\w.-]*\/[\w.@-]+$/.test(head) && !/\.(json|gguf|safetensors)$/.test(head);
  if (colon < 1 || dtype === "" || /[\\/]/.test(dtype) || hub) return { reference: text };
  return { reference: head, dtype };
}

/** Loads the draft model; throws what loading a model throws. */
export async function loadDraft(text: string, options: LoadOptions): Promise<DraftModel> {
  const { reference, dtype } = draftParts(text);
  const loaded = await loadModel(reference, options);
  return {
    id: loaded.id,
    model: loaded.architecture,
    ...(dtype === undefined ? {} : { dtype }),
    ...(loaded.stored === undefined ? {} : { stored: loaded.stored }),
  };
}
