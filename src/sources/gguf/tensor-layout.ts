import { VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import type { ByteWindow } from "../bytes/byte-window.ts";
import type { GgufTensor } from "./gguf-file.ts";

/**
 * Checks that tensor data is aligned, lies inside the file and does not overlap. Offsets are still relative
 * to the data section. A tensor's place in the list does not matter, and gaps are nobody's loss.
 *
 * @throws malformed-file naming the tensor
 */
export function checkLayout(
  window: ByteWindow,
  tensors: readonly GgufTensor[],
  section: { readonly dataOffset: Bytes; readonly alignment: Bytes },
): void {
  const { dataOffset, alignment } = section;
  const fail = (tensor: GgufTensor, found: string, expected: string): never => {
    const where = `tensor "${tensor.name}"`;
    throw new VramCalcError("malformed-file", { file: window.name, where, found, expected });
  };
  const end = window.size ?? Number.MAX_SAFE_INTEGER;
  let previous: GgufTensor | undefined;
  for (const tensor of inFileOrder(tensors)) {
    if (tensor.offset % alignment !== 0)
      fail(tensor, `data at offset ${tensor.offset}`, `a multiple of the alignment ${alignment}`);
    if (!(dataOffset + tensor.offset + tensor.bytes <= end))
      fail(
        tensor,
        `${tensor.bytes} bytes of data from byte ${dataOffset + tensor.offset}`,
        `an end within the ${end} bytes of the file (is the download complete?)`,
      );
    if (previous !== undefined && endOf(previous) > tensor.offset)
      fail(tensor, `data that overlaps tensor "${previous.name}"`, "a place of its own");
    previous = tensor;
  }
}

function inFileOrder(tensors: readonly GgufTensor[]): readonly GgufTensor[] {
  const sorted = tensors.every((tensor, i) => i === 0 || endOf(tensors[i - 1]!) <= tensor.offset);
  // An empty tensor shares its offset with the next one and comes first.
  return sorted ? tensors : [...tensors].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
}

const endOf = (tensor: GgufTensor): Bytes => tensor.offset + tensor.bytes;
