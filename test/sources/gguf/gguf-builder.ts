/** A GGUF file put together by hand, right or wrong: what a test says is what is written. */
export interface GgufDraft {
  readonly version?: number;
  readonly littleEndian?: boolean;
  /** Claimed counts; those of the lists when absent. */
  readonly tensorCount?: bigint;
  readonly keyCount?: bigint;
  readonly metadata?: readonly (readonly [key: string, value: DraftValue])[];
  readonly tensors?: readonly DraftTensor[];
  /** What the data section is aligned to; write the key `general.alignment` to say so. */
  readonly alignment?: number;
  /** Bytes of the data section; enough for every tensor when absent. */
  readonly dataBytes?: number;
}

/** `count` is the length that an array claims; that of `items` when absent. */
export type DraftValue =
  | { readonly type: number; readonly value: number | bigint | string }
  | {
      readonly type: 9;
      readonly elementType: number;
      readonly items: readonly DraftItem[];
      readonly count?: bigint;
    };
type DraftItem = number | bigint | string | DraftValue;

export interface DraftTensor {
  readonly name: string;
  readonly shape: readonly (number | bigint)[];
  readonly type: number;
  /** Relative to the data section; packed after the one before when absent. */
  readonly offset?: number | bigint;
  /** For packing only. */
  readonly bytes?: number;
}

export const text = (value: string): DraftValue => ({ type: 8, value });
export const uint32 = (value: number): DraftValue => ({ type: 4, value });
export const strings = (items: readonly string[]): DraftValue => ({ type: 9, elementType: 8, items });
/** [256, rows] in F32. */
export const f32Tensor = (name: string, rows = 1): DraftTensor => ({
  name,
  shape: [256, rows],
  type: 0,
  bytes: 1024 * rows,
});

interface Writer {
  readonly littleEndian: boolean;
  readonly version: number;
  view: DataView;
  at: number;
}

export function buildGguf(draft: GgufDraft): Uint8Array {
  const { version = 3, littleEndian = true, metadata = [], tensors = [], alignment = 32 } = draft;
  const writer: Writer = { littleEndian, version, view: new DataView(new ArrayBuffer(1 << 16)), at: 0 };
  for (const c of "GGUF") put(writer, 1, (at) => writer.view.setUint8(at, c.charCodeAt(0)));
  putUint32(writer, version);
  putCount(writer, draft.tensorCount ?? BigInt(tensors.length));
  putCount(writer, draft.keyCount ?? BigInt(metadata.length));
  for (const [key, value] of metadata) {
    putText(writer, key);
    putUint32(writer, value.type);
    putValue(writer, value);
  }
  let end = 0;
  for (const tensor of tensors) {
    putText(writer, tensor.name);
    putUint32(writer, tensor.shape.length);
    for (const length of tensor.shape) putCount(writer, BigInt(length));
    putUint32(writer, tensor.type);
    const offset = tensor.offset ?? end;
    putUint64(writer, BigInt(offset));
    if (tensor.bytes !== undefined) end = padded(Number(offset) + tensor.bytes, alignment);
  }
  const length = padded(writer.at, alignment) + (draft.dataBytes ?? end);
  const bytes = new Uint8Array(length);
  bytes.set(new Uint8Array(writer.view.buffer, 0, writer.at));
  return bytes;
}

const padded = (length: number, alignment: number): number => Math.ceil(length / alignment) * alignment;

function put(writer: Writer, length: number, set: (at: number) => void): void {
  if (writer.at + length > writer.view.byteLength) {
    const grown = new Uint8Array(2 * (writer.at + length));
    grown.set(new Uint8Array(writer.view.buffer));
    writer.view = new DataView(grown.buffer);
  }
  set(writer.at);
  writer.at += length;
}

const putUint32 = (writer: Writer, value: number): void =>
  put(writer, 4, (at) => writer.view.setUint32(at, value, writer.littleEndian));
const putUint64 = (writer: Writer, value: bigint): void =>
  put(writer, 8, (at) => writer.view.setBigUint64(at, value, writer.littleEndian));
const putCount = (writer: Writer, value: bigint): void =>
  writer.version === 1 ? putUint32(writer, Number(value)) : putUint64(writer, value);

function putText(writer: Writer, value: string): void {
  const bytes = new TextEncoder().encode(value);
  putCount(writer, BigInt(bytes.length));
  put(writer, bytes.length, (at) => new Uint8Array(writer.view.buffer).set(bytes, at));
}

function putValue(writer: Writer, value: DraftValue): void {
  if (!("items" in value)) {
    putScalar(writer, value.type, value.value);
    return;
  }
  putUint32(writer, value.elementType);
  putCount(writer, value.count ?? BigInt(value.items.length));
  for (const item of value.items) {
    if (typeof item === "object") putValue(writer, item);
    else putScalar(writer, value.elementType, item);
  }
}

function putScalar(writer: Writer, type: number, value: number | bigint | string): void {
  const { littleEndian } = writer;
  const number = Number(value);
  if (typeof value === "string") putText(writer, value);
  else if (type === 0 || type === 7) put(writer, 1, (at) => writer.view.setUint8(at, number));
  else if (type === 1) put(writer, 1, (at) => writer.view.setInt8(at, number));
  else if (type === 2) put(writer, 2, (at) => writer.view.setUint16(at, number, littleEndian));
  else if (type === 3) put(writer, 2, (at) => writer.view.setInt16(at, number, littleEndian));
  else if (type === 5) put(writer, 4, (at) => writer.view.setInt32(at, number, littleEndian));
  else if (type === 6) put(writer, 4, (at) => writer.view.setFloat32(at, number, littleEndian));
  else if (type === 10) putUint64(writer, BigInt(value));
  else if (type === 11) put(writer, 8, (at) => writer.view.setBigInt64(at, BigInt(value), littleEndian));
  else if (type === 12) put(writer, 8, (at) => writer.view.setFloat64(at, number, littleEndian));
  else putUint32(writer, number);
}
