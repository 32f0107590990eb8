import { expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { memorySource } from "../../../src/sources/bytes/byte-source.ts";
import type { GgufFile } from "../../../src/sources/gguf/gguf-file.ts";
import { readGgufHeader } from "../../../src/sources/gguf/gguf-header.ts";
import { cases } from "../../properties.ts";
import { damage, seeded } from "../bytes/damage.ts";
import { buildGguf, f32Tensor, type GgufDraft, strings, text, uint32 } from "./gguf-builder.ts";

const CASES = cases(20_000);

const draft: GgufDraft = {
  metadata: [
    ["general.architecture", text("llama")],
    ["general.alignment", uint32(32)],
    ["llama.block_count", uint32(2)],
    ["llama.attention.head_count_kv", { type: 9, elementType: 5, items: [8, 4] }],
    ["tokenizer.ggml.tokens", strings(["<s>", "</s>", "a", ""])],
    ["flags", { type: 9, elementType: 7, items: [1, 0] }],
    ["f64", { type: 12, value: 0.5 }],
  ],
  tensors: [
    f32Tensor("token_embd.weight"),
    { name: "b", shape: [32, 3], type: 2, bytes: 54 },
    f32Tensor("output"),
  ],
};
const FILES = [
  buildGguf(draft),
  buildGguf({ ...draft, version: 2 }),
  buildGguf({ ...draft, version: 1 }),
  buildGguf({ ...draft, littleEndian: false }),
  buildGguf({ tensors: [f32Tensor("w")] }),
];

/** Reads bytes that may be anything. A result must be one that the bytes can hold. */
async function attempt(bytes: Uint8Array): Promise<GgufFile | null> {
  let file: GgufFile;
  try {
    file = await readGgufHeader(memorySource("m", bytes));
  } catch (error) {
    if (!(error instanceof VramCalcError)) throw error;
    if (!/^m, .*found .*expected .*[.?!)]$/.test(error.message)) throw new Error(`unclear: ${error.message}`);
    return null;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const claimed =
    file.version === 1
      ? view.getUint32(8, file.littleEndian)
      : Number(view.getBigUint64(8, file.littleEndian));
  if (file.tensors.length !== claimed) throw new Error(`${file.tensors.length} tensors of ${claimed}`);
  let total = 0;
  for (const tensor of file.tensors) {
    if (tensor.name === "" || tensor.offset < file.dataOffset || tensor.offset + tensor.bytes > bytes.length)
      throw new Error(`tensor "${tensor.name}" at ${tensor.offset} is invented`);
    total += tensor.bytes;
  }
  if (total !== file.tensorBytes || total > bytes.length) throw new Error(`${total} bytes do not fit`);
  return file;
}

test.for(FILES.map((bytes, i) => [i, bytes.length, bytes] as const))(
  "file %i: each of its %i beginnings is refused, the whole is read",
  async ([, , bytes]) => {
    for (let length = 0; length < bytes.length; length++) {
      // The last tensor is followed by padding that nobody needs.
      const padding = bytes.length - length < 32;
      if ((await attempt(bytes.subarray(0, length))) !== null && !padding)
        expect.fail(`accepted at ${length}`);
    }
    expect(await attempt(bytes)).not.toBeNull();
  },
);

test("every change of one byte of a header is read as it stands or refused", async () => {
  let refused = 0;
  let cases = 0;
  const bytes = buildGguf({
    metadata: [
      ["k", strings(["a"])],
      ["general.alignment", uint32(32)],
    ],
    tensors: [f32Tensor("w"), f32Tensor("x")],
  });
  const header = bytes.length - 2048;
  for (let at = 0; at < header; at++) {
    const original = bytes[at]!;
    for (let value = 0; value < 256; value++) {
      if (value === original) continue;
      bytes[at] = value;
      cases++;
      if ((await attempt(bytes)) === null) refused++;
    }
    bytes[at] = original;
  }
  // Padding and the characters of names may change freely; nearly everything else may not.
  expect(cases).toBe(255 * header);
  expect(refused / cases).toBeGreaterThan(0.6);
});

test(`${CASES} files damaged at random (seed 1): nothing crashes, hangs or invents a tensor`, async () => {
  const random = seeded(1);
  let refused = 0;
  for (let i = 0; i < CASES; i++) {
    const file = FILES[i % FILES.length]!;
    if ((await attempt(damage(file, random, file.length - 1024))) === null) refused++;
  }
  expect(refused / CASES).toBeGreaterThan(0.5);
  expect(refused).toBeLessThan(CASES);
});
