/** A safetensors file put together by hand: a header, given as text or as an object, and zeros. */
export interface SafetensorsDraft {
  readonly header: string | object;
  /** Bytes of the data section. */
  readonly dataBytes: number;
  /** The length that the first 8 bytes claim; the header's own when absent. */
  readonly headerBytes?: bigint;
}

export function buildSafetensors(draft: SafetensorsDraft): Uint8Array {
  const text = typeof draft.header === "string" ? draft.header : JSON.stringify(draft.header);
  const header = new TextEncoder().encode(text);
  const bytes = new Uint8Array(8 + header.length + draft.dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, draft.headerBytes ?? BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}

/** BF16 tensors [rows, columns] one after the other, as a header and the bytes it needs. */
export function bf16Layout(tensors: readonly (readonly [name: string, rows: number, columns: number])[]): {
  readonly header: Record<string, unknown>;
  readonly dataBytes: number;
} {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, rows, columns] of tensors) {
    const begin = end;
    end += 2 * rows * columns;
    header[name] = { dtype: "BF16", shape: [rows, columns], data_offsets: [begin, end] };
  }
  return { header, dataBytes: end };
}
