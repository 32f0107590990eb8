/** The format of the KV cache: as asked for, as the checkpoint is calibrated, else 16 bits. */
import type { Architecture, Note } from "../architecture/model.ts";
import type { CacheFormat } from "../engines/cache-format.ts";
import { runtimeOf } from "../engines/engine-name.ts";
import { kvFormatByName } from "../formats/kv-formats.ts";
import type { EstimateOptions } from "./estimate-options.ts";
import { ofGguf } from "./storage-choice.ts";

/** What is asked for; else under vLLM what the checkpoint is calibrated for (`torch_utils.py`, `attention/layer.py`). */
export function chosenCacheFormat(model: Architecture, options: EstimateOptions, notes: Note[]): string {
  const { kvDtype, calibratedKv, engine } = options;
  if (kvDtype !== undefined && kvDtype.toLowerCase() !== "auto") return kvDtype;
  if (calibratedKv === undefined) return defaultCacheFormat(model, options);
  const taken = runtimeOf(engine) === "vllm";
  notes.push({
    code: "calibrated-cache",
    message: taken
      ? `the checkpoint carries scales of a cache in ${calibratedKv}, which vLLM then keeps: --kv-dtype sets another`
      : `the checkpoint carries scales of a cache in ${calibratedKv}: --kv-dtype ${calibratedKv} counts one`,
    details: { format: calibratedKv },
  });
  return taken ? calibratedKv : defaultCacheFormat(model, options);
}

/** The model's own 16 bits; llama.cpp's cache is fp16 unless a flag says otherwise. */
const defaultCacheFormat = ({ dtype }: Architecture, options: EstimateOptions): string =>
  dtype === "bf16" && !ofGguf(options) ? "bf16" : "fp16";

const cacheFormats = new Map<string, CacheFormat>();

/** One format, or keys and values apart: "q8_0/q4_0", also written with a comma. */
export function cacheFormatOf(text: string): CacheFormat {
  let format = cacheFormats.get(text);
  if (format === undefined) {
    format = kvFormatByName(text.replace(",", "/"));
    cacheFormats.set(text, format);
  }
  return format;
}
