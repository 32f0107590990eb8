/** The tensors of any container in one form. */
import type { GgufFile } from "./gguf/gguf-file.ts";
import type { IndexTotals, TensorFile } from "./safetensors/tensor-file.ts";
import type { FileTensor, StoredFiles } from "./stored-weights.ts";

/** What safetensors headers, or the totals of a PyTorch index, hold. */
export function storedOf(read: TensorFile | IndexTotals): StoredFiles {
  if (read.kind === "totals")
    return {
      container: "pytorch",
      tensors: [],
      totalBytes: read.totalBytes,
      fileBytes: null,
      files: read.files.length,
    };
  const tensors: readonly FileTensor[] = read.tensors.map(({ name, dtype, shape, elements, bytes }) => ({
    name,
    format: dtype,
    shape,
    elements,
    bytes,
  }));
  return {
    container: "safetensors",
    tensors,
    totalBytes: read.totalBytes,
    fileBytes: sumBytes(read.files),
    files: read.files.length,
  };
}

/** What a GGUF header holds. */
export function ggufStored(file: GgufFile): StoredFiles {
  const tensors: readonly FileTensor[] = file.tensors.map((tensor) => ({
    name: tensor.name,
    format: tensor.type.name,
    shape: tensor.rowMajorShape,
    elements: tensor.elements,
    bytes: tensor.bytes,
  }));
  return {
    container: "gguf",
    tensors,
    totalBytes: file.tensorBytes,
    fileBytes: file.fileBytes,
    files: file.files.length,
  };
}

function sumBytes(files: readonly { readonly bytes: number | null }[]): number | null {
  let sum = 0;
  for (const { bytes } of files) {
    if (bytes === null) return null;
    sum += bytes;
  }
  return sum;
}
