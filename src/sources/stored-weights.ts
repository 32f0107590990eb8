/** What the headers of weight files say about how a model is stored. */
import type { Architecture, Note } from "../architecture/model.ts";
import { layerCount } from "../architecture/stack.ts";
import { formatSums, type WeightStorage } from "../quantization/storage.ts";
import { type Bytes, groupDigits } from "../units.ts";
import { checkStored } from "./stored-check.ts";

/** One tensor of a file, whatever the container. */
export interface FileTensor {
  readonly name: string;
  /** Format as the file names it: "BF16", "Q4_K". */
  readonly format: string;
  /** The innermost dimension last. */
  readonly shape: readonly number[];
  readonly elements: number;
  readonly bytes: Bytes;
}

/** All tensors of a model's files. */
export interface StoredFiles {
  readonly container: "safetensors" | "gguf" | "pytorch";
  readonly tensors: readonly FileTensor[];
  readonly totalBytes: Bytes;
  /** Sizes of the files together; null when one is unknown. */
  readonly fileBytes: Bytes | null;
  readonly files: number;
}

/** Bytes by format, largest first. */
export function bytesByFormat(
  stored: StoredFiles,
): readonly { format: string; bytes: Bytes; elements: number; tensors: number }[] {
  const rows = new Map<string, { format: string; bytes: number; elements: number; tensors: number }>();
  for (const { format, bytes, elements } of stored.tensors) {
    const row = rows.get(format) ?? { format, bytes: 0, elements: 0, tensors: 0 };
    row.bytes += bytes;
    row.elements += elements;
    row.tensors++;
    rows.set(format, row);
  }
  return [...rows.values()].sort((a, b) => b.bytes - a.bytes);
}

export interface StoredWeights {
  readonly storage: WeightStorage;
  readonly notes: readonly Note[];
}

/**
 * The stored bytes as they are loaded: multi-token-prediction layers stay in the file, and a stored copy of
 * a tied head is loaded once. Exact for the whole model, unless files lack a part of it; a share of it is
 * given its part of the bytes.
 */
export function storedWeights(stored: StoredFiles, model: Architecture): StoredWeights {
  const notes: Note[] = [];
  let bytes = stored.totalBytes;
  const leave = (code: string, leftOut: Bytes, why: string): void => {
    if (leftOut === 0) return;
    bytes -= leftOut;
    notes.push({
      code,
      message: `${groupDigits(leftOut)} B of the file are not counted: ${why}`,
      details: { bytes: leftOut },
    });
  };
  const sum = (is: (name: string) => boolean): Bytes =>
    stored.tensors.reduce((total, tensor) => (is(tensor.name) ? total + tensor.bytes : total), 0);
  const isPrediction = mtpTensor(model);
  leave(
    "mtp-in-file",
    sum(isPrediction),
    "multi-token-prediction layers, loaded for speculative decoding only",
  );
  if (model.tied) leave("tied-copy-in-file", sum(isHeadCopy), "a stored copy of the tied head");
  const isLoaded = (name: string): boolean => !isPrediction(name) && !(model.tied && isHeadCopy(name));
  // The architecture of a GGUF file, and of tensors alone, is made of the tensors themselves.
  const check =
    stored.container === "safetensors" && model.family !== "tensors"
      ? checkStored(stored, model, isLoaded)
      : null;
  if (check !== null) notes.push(...check.notes);
  const whole = model.parameters.stored;
  const loaded = bytes;
  const id = bytesByFormat(stored)
    .slice(0, 3)
    .map((row) => row.format.toLowerCase())
    .join("+");
  return {
    storage: {
      id: id === "" ? stored.container : id,
      basis: check?.incomplete === true ? "assumed" : "exact",
      bytesOf: (share) =>
        share === model || whole === 0 ? loaded : Math.ceil((loaded * share.parameters.stored) / whole),
      // A share of the file is no sum of whole tensors.
      sumsOf: (share) =>
        share === model
          ? formatSums((add) => {
              for (const tensor of stored.tensors) if (isLoaded(tensor.name)) add(tensor);
            })
          : [],
    },
    notes,
  };
}

const isHeadCopy = (name: string): boolean => /^(lm_head|model\.lm_head|output)\.weight$/.test(name);

/** True for tensors of MTP layers: named so, or of a layer past the decoder's last. */
function mtpTensor(model: Architecture): (name: string) => boolean {
  if (model.parameters.mtp === 0) return () => false;
  const decoder = model.stacks.find((stack) => stack.role === "decoder");
  const layers = decoder === undefined ? Number.POSITIVE_INFINITY : layerCount(decoder);
  return (name) => {
    if (/(^|\.)mtp\./.test(name)) return true;
    const layer = /(?:^|\.)(?:layers|blk)\.(\d+)\./.exec(name);
    return layer !== null && !/vision|visual|audio/.test(name) && Number(layer[1]) >= layers;
  };
}
