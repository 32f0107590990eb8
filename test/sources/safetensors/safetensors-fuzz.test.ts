import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { memorySource } from "../../../src/sources/bytes/byte-source.ts";
import { readWeightFile } from "../../../src/sources/safetensors/read-checkpoint.ts";
import { readSafetensorsHeader } from "../../../src/sources/safetensors/safetensors-header.ts";
import type { TensorFile } from "../../../src/sources/safetensors/tensor-file.ts";
import { cases } from "../../properties.ts";
import { damage, seeded } from "../bytes/damage.ts";
import { bf16Layout, buildSafetensors } from "./safetensors-builder.ts";

const CASES = cases(20_000);

const mixed = {
  header: {
    __metadata__: { format: "pt", "é\n": "漢" },
    a: { dtype: "F4", shape: [4, 2], data_offsets: [0, 4] },
    "b.weight": { dtype: "BF16", shape: [], data_offsets: [4, 6] },
    empty: { dtype: "F32", shape: [0, 3], data_offsets: [6, 6] },
    "c\u0000": { dtype: "C64", shape: [1, 1, 2], data_offsets: [6, 22] },
  },
  dataBytes: 22,
};
const FILES = [
  buildSafetensors(mixed),
  buildSafetensors({ ...mixed, header: `${JSON.stringify(mixed.header, null, 1)}   ` }),
  buildSafetensors(bf16Layout([["w", 4, 2]])),
  readFileSync(new URL("../../fixtures/safetensors/all-dtypes.safetensors-header", import.meta.url)),
].map((bytes, i) => (i === 3 ? new Uint8Array([...bytes, ...new Uint8Array(2067 - bytes.length)]) : bytes));

/** What was read, or null for a refusal in one sentence. Anything else is thrown on. */
async function refusable<T>(work: Promise<T>): Promise<T | null> {
  return work.catch((error: unknown) => {
    if (!(error instanceof VramCalcError)) throw error;
    if (!/found .*, expected |^cannot read /.test(error.message) || error.message.includes("\n"))
      throw new Error(`unclear: ${error.message}`);
    return null;
  });
}

/** Reads bytes that may be anything. A result must account for every byte of the file. */
async function attempt(bytes: Uint8Array): Promise<TensorFile | null> {
  const file = await refusable(readSafetensorsHeader(memorySource("m", bytes)));
  if (file === null) return null;
  const dataOffset = file.files[0]!.dataOffset;
  const sum = file.tensors.reduce((total, tensor) => total + tensor.bytes, 0);
  if (dataOffset + sum !== bytes.length || sum !== file.totalBytes)
    throw new Error(`${sum} bytes of tensors from ${dataOffset} in ${bytes.length}`);
  if (new Set(file.tensors.map((tensor) => tensor.name)).size !== file.tensors.length)
    throw new Error("twice");
  return file;
}

test.for(FILES.map((bytes, i) => [i, bytes.length, bytes] as const))(
  "file %i: each of its %i beginnings is refused, the whole is read",
  async ([, , bytes]) => {
    for (let length = 0; length < bytes.length; length++)
      if ((await attempt(bytes.subarray(0, length))) !== null) expect.fail(`accepted at ${length}`);
    expect(await attempt(bytes)).not.toBeNull();
    expect(await attempt(new Uint8Array([...bytes, 0]))).toBeNull();
  },
);

test("every change of one byte of a header is read as it stands or refused", async () => {
  const bytes = buildSafetensors(
    bf16Layout([
      ["w", 4, 2],
      ["x", 1, 1],
    ]),
  );
  const header = bytes.length - 18;
  let refused = 0;
  for (let at = 0; at < header; at++) {
    const original = bytes[at]!;
    for (let value = 0; value < 256; value++) {
      if (value === original) continue;
      bytes[at] = value;
      if ((await attempt(bytes)) === null) refused++;
    }
    bytes[at] = original;
  }
  // Names may change; a dimension may not, because the spans say otherwise.
  expect(refused / (255 * header)).toBeGreaterThan(0.8);
});

test(`${CASES} files damaged at random (seed 2): nothing crashes, hangs or invents a tensor`, async () => {
  const random = seeded(2);
  let refused = 0;
  for (let i = 0; i < CASES; i++) {
    const file = FILES[i % FILES.length]!;
    if ((await attempt(damage(file, random, file.length - 18))) === null) refused++;
  }
  expect(refused / CASES).toBeGreaterThan(0.5);
  expect(refused).toBeLessThan(CASES);
});

test(`${CASES / 3} indexes damaged at random (seed 3): only the two shards are ever opened`, async () => {
  const shards = new Map([
    ["a.safetensors", buildSafetensors(bf16Layout([["w", 4, 2]]))],
    ["b.safetensors", buildSafetensors(bf16Layout([["x", 2, 2]]))],
  ]);
  const index = { metadata: { total_size: 24 }, weight_map: { w: "a.safetensors", x: "b.safetensors" } };
  const original = new TextEncoder().encode(JSON.stringify(index, null, 2));
  const random = seeded(3);
  let read = 0;
  for (let i = 0; i < CASES / 3; i++) {
    const damaged = damage(original, random, original.length);
    const open = async (name: string) => {
      const bytes = name === "m.index.json" ? damaged : shards.get(name);
      if (/[/\\:]/.test(name)) throw new Error(`${name} lies elsewhere`);
      if (bytes !== undefined) return memorySource(name, bytes);
      throw new VramCalcError("unreadable-path", { path: name, reason: "it is not there", hint: "none" });
    };
    const model = await refusable(readWeightFile("m.index.json", open));
    if (model === null) continue;
    read++;
    if (model.kind !== "tensors" || model.totalBytes % 8 !== 0 || model.totalBytes > 24)
      throw new Error("invented");
  }
  expect(read).toBeGreaterThan(0);
});
