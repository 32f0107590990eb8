import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { memorySource } from "../../../src/sources/bytes/byte-source.ts";
import { SAFETENSORS_DTYPE_BITS } from "../../../src/sources/safetensors/dtypes.ts";
import { readSafetensorsHeader } from "../../../src/sources/safetensors/safetensors-header.ts";
import { timeLimit } from "../../time-limit.ts";
import vectors from "../../vectors/safetensors-headers.json" with { type: "json" };
import { countReads, paddedSource, withoutSize } from "../bytes/padded-source.ts";
import { bf16Layout, buildSafetensors, type SafetensorsDraft } from "./safetensors-builder.ts";

const FILES = Object.entries(vectors.files).map(([name, file]) => ({ name, ...file }));
const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`../../fixtures/safetensors/${name}-header`, import.meta.url));
const read = (draft: SafetensorsDraft) => readSafetensorsHeader(memorySource("m", buildSafetensors(draft)));

describe("every tensor as the safetensors package reads it", () => {
  test.for(FILES)("$name: $tensors.length tensors in $bytes bytes", async (file) => {
    const part = await readSafetensorsHeader(paddedSource(file.name, fixture(file.name), file.bytes));
    const { dataOffset } = part.files[0]!;
    const rows = part.tensors.map(
      (t) =>
        `${t.name} ${t.dtype} ${t.shape.join("x") || "scalar"} ${t.offset - dataOffset} ${t.offset - dataOffset + t.bytes}`,
    );
    expect(rows.sort()).toEqual([...file.tensors].sort());
    expect(dataOffset).toBe(8 + file.headerBytes);
    expect(part.totalBytes).toBe(file.bytes - dataOffset);
    expect([...part.metadata]).toEqual([["format", "pt"]]);
  });

  const samples = fileURLToPath(new URL("../../../../shared/samples/safetensors/", import.meta.url));
  const absent = !existsSync(samples);
  test.skipIf(absent)(
    `the complete file gives what its header gives${absent ? " (skipped: no ../shared/samples here)" : ""}`,
    async () => {
      const bytes = readFileSync(`${samples}all-dtypes.safetensors`);
      const file = FILES.find((f) => f.name === "all-dtypes.safetensors")!;
      const whole = await readSafetensorsHeader(memorySource("m", bytes));
      expect(whole).toEqual(await readSafetensorsHeader(paddedSource("m", fixture(file.name), file.bytes)));
    },
  );
});

describe("bytes = product of the shape x bits / 8", () => {
  // 24 values: the fewest that fill whole bytes at 4, 6 and 8 bits alike.
  const rows = Object.entries(SAFETENSORS_DTYPE_BITS).map(([dtype, bits]) => ({
    dtype,
    bits,
    bytes: 3 * bits,
  }));
  test.for(rows)("$dtype [2, 12]: 24 x $bits bits = $bytes B", async ({ dtype, bytes }) => {
    const header = { w: { dtype, shape: [2, 12], data_offsets: [0, bytes] } };
    const part = await read({ header, dataBytes: bytes });
    expect(part.tensors[0]).toMatchObject({ dtype, shape: [2, 12], elements: 24, bytes });
    const wrong = { w: { dtype, shape: [2, 12], data_offsets: [0, bytes + 1] } };
    await expect(read({ header: wrong, dataBytes: bytes + 1 })).rejects.toThrow(
      `expected ${bytes} for ${dtype}`,
    );
  });

  test("22 dtypes, as many as safetensors 0.8 has", () => expect(rows.length).toBe(22));

  test("5 values of 4 bits fill no whole byte", async () => {
    for (const bytes of [2, 3]) {
      const header = { w: { dtype: "F4", shape: [5], data_offsets: [0, bytes] } };
      await expect(read({ header, dataBytes: bytes })).rejects.toThrow(/expected 2.5 for F4 \[5\]/);
    }
  });
});

describe("what else is a valid file", () => {
  const w = { dtype: "U8", shape: [4], data_offsets: [0, 4] };
  test("no tensors at all", async () => {
    expect(await read({ header: "{}", dataBytes: 0 })).toMatchObject({ tensors: [], totalBytes: 0 });
  });
  test("trailing and inner white space", async () => {
    const header = ` { "w" : ${JSON.stringify(w, null, 2)} }   \n\t `;
    expect((await read({ header, dataBytes: 4 })).tensors.length).toBe(1);
  });
  test("tensors listed in another order than they lie, an empty one among them", async () => {
    const header = {
      b: { dtype: "U8", shape: [2], data_offsets: [4, 6] },
      a: w,
      empty: { dtype: "F32", shape: [3, 0], data_offsets: [4, 4] },
    };
    expect((await read({ header, dataBytes: 6 })).tensors.map((t) => t.name)).toEqual(["b", "a", "empty"]);
  });
  test("names beyond ASCII and with escapes", async () => {
    const header = String.raw`{"\u00e9\n\"é漢😀":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`;
    expect((await read({ header, dataBytes: 4 })).tensors[0]!.name).toBe('é\n"é漢😀');
  });
  test("names that mean something to JavaScript are names", async () => {
    const names = ["constructor", "toString", "__proto__", "0"];
    const entries = names.map(
      (name, i) => `"${name}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`,
    );
    const part = await read({ header: `{${entries.join()}}`, dataBytes: 4 });
    expect(part.tensors.map((t) => t.name)).toEqual(names);
    expect(({} as { dtype?: string }).dtype).toBeUndefined();
  });
  test("texts of __metadata__ are kept up to 64 KiB each", async () => {
    const header = { __metadata__: { format: "pt", log: "x".repeat(70_000) }, w };
    expect([...(await read({ header, dataBytes: 4 })).metadata]).toEqual([["format", "pt"]]);
  });
  test("a long header is read once, in one piece, after the first 4 KiB", async () => {
    const layout = bf16Layout(Array.from({ length: 3000 }, (_, i) => [`model.layers.${i}.weight`, 2, 2]));
    const bytes = buildSafetensors(layout);
    const { source, reads } = countReads(memorySource("m", bytes));
    expect((await readSafetensorsHeader(source)).tensors.length).toBe(3000);
    expect(reads).toEqual([
      [0, 4096],
      [8, bytes.length - 8 - layout.dataBytes],
    ]);
  });
  test("a source without a size: the header's own sum", async () => {
    const source = withoutSize(memorySource("m", buildSafetensors({ header: { w }, dataBytes: 4 })));
    expect(await readSafetensorsHeader(source)).toMatchObject({ totalBytes: 4, files: [{ bytes: null }] });
  });
});

const entry = (change: object) => ({ w: { dtype: "U8", shape: [4], data_offsets: [0, 4], ...change } });
const raw = (inner: string) => `{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]${inner}}`;
const MALFORMED: readonly (readonly [name: string, draft: SafetensorsDraft, says: RegExp])[] = [
  [
    "a header of 2^64 - 1",
    { header: "{}", dataBytes: 0, headerBytes: 2n ** 64n - 1n },
    /18446744073709551615 bytes, expected at most 2, the rest of the file/,
  ],
  ["a header of 2^31", { header: "{}", dataBytes: 0, headerBytes: 2n ** 31n }, /2147483648/],
  [
    "a header one byte longer than the file",
    { header: "{}", dataBytes: 0, headerBytes: 3n },
    /at most 2, the rest/,
  ],
  ["a header of no bytes", { header: "", dataBytes: 0 }, /byte 8: found the end of the JSON, expected "{"/],
  ["a list", { header: "[]", dataBytes: 0 }, /byte 8: found "\[", expected "{"/],
  ["text that is not UTF-8", { header: "{}", dataBytes: 0, headerBytes: 2n }, /./],
  ["an open object", { header: '{"w":', dataBytes: 0 }, /end of the JSON/],
  ["an open string", { header: '{"w', dataBytes: 0 }, /open string/],
  ["a trailing comma", { header: `${raw("")},}`, dataBytes: 4 }, /found "}", expected a key/],
  ["two objects", { header: `${raw("")}}{}`, dataBytes: 4 }, /nothing after the JSON/],
  ["a bare word", { header: "{w:1}", dataBytes: 0 }, /a key in double quotes/],
  [
    "a name twice",
    { header: `${raw("")},"w":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}`, dataBytes: 4 },
    /tensor "w" again/,
  ],
  [
    "a name twice, once escaped",
    { header: `${raw("")},"\\u0077":{"dtype":"U8","shape":[0],"data_offsets":[4,4]}}`, dataBytes: 4 },
    /tensor "w" again/,
  ],
  ["a field twice", { header: `${raw(',"shape":[4]')}}`, dataBytes: 4 }, /key "shape" in tensor "w"/],
  ["an unknown field", { header: entry({ device: "cpu" }), dataBytes: 4 }, /key "device"/],
  [
    "no dtype",
    { header: { w: { shape: [4], data_offsets: [0, 4] } }, dataBytes: 4 },
    /incomplete entry for tensor "w"/,
  ],
  [
    "dtype Q9",
    { header: entry({ dtype: "Q9" }), dataBytes: 4 },
    /dtype "Q9" in tensor "w", expected one of BOOL, F4/,
  ],
  ["dtype constructor", { header: entry({ dtype: "constructor" }), dataBytes: 4 }, /dtype "constructor"/],
  ["a negative dimension", { header: entry({ shape: [-4] }), dataBytes: 4 }, /whole number of 0 or more/],
  ["a fraction", { header: entry({ shape: [4.5] }), dataBytes: 4 }, /whole number/],
  [
    "an exponent",
    { header: `{"w":{"dtype":"U8","shape":[4e0],"data_offsets":[0,4]}}`, dataBytes: 4 },
    /whole number/,
  ],
  [
    "a leading zero",
    { header: `{"w":{"dtype":"U8","shape":[04],"data_offsets":[0,4]}}`, dataBytes: 4 },
    /whole number/,
  ],
  [
    "2^64",
    { header: `{"w":{"dtype":"U8","shape":[18446744073709551616],"data_offsets":[0,4]}}`, dataBytes: 4 },
    /18446744073709551616, expected a number below 2\^53/,
  ],
  [
    "a number of 10,000 digits",
    { header: `{"w":{"dtype":"U8","shape":[${"9".repeat(10_000)}],"data_offsets":[0,4]}}`, dataBytes: 4 },
    /below 2\^53/,
  ],
  [
    "65 dimensions",
    { header: entry({ shape: Array(65).fill(1) }), dataBytes: 4 },
    /more dimensions in tensor "w", expected at most 64/,
  ],
  [
    "a shape that overflows",
    { header: entry({ shape: [2 ** 50, 2 ** 50] }), dataBytes: 4 },
    /expected 1.2\d*e\+30 for U8/,
  ],
  [
    "an end before its begin",
    { header: entry({ data_offsets: [4, 0] }), dataBytes: 4 },
    /data_offsets of another form/,
  ],
  [
    "three offsets",
    { header: entry({ data_offsets: [0, 4, 8] }), dataBytes: 4 },
    /data_offsets of another form/,
  ],
  [
    "a span shorter than the shape",
    { header: entry({ shape: [5] }), dataBytes: 4 },
    /tensor "w": found a span of 4 bytes, expected 5 for U8 \[5\]/,
  ],
  ["a span past the end of the file", { header: entry({}), dataBytes: 3 }, /download complete/],
  ["bytes after the last tensor", { header: entry({}), dataBytes: 5 }, /as its header says/],
  [
    "a hole at the start",
    { header: entry({ data_offsets: [1, 5] }), dataBytes: 5 },
    /tensor "w": found data at byte/,
  ],
  [
    "a hole between",
    { header: { ...entry({}), x: { dtype: "U8", shape: [1], data_offsets: [5, 6] } }, dataBytes: 6 },
    /tensor "x"/,
  ],
  [
    "an overlap",
    { header: { ...entry({}), x: { dtype: "U8", shape: [4], data_offsets: [2, 6] } }, dataBytes: 6 },
    /tensor "x".*where the one before ends/,
  ],
  [
    "two tensors in one place",
    { header: { ...entry({}), x: { dtype: "U8", shape: [4], data_offsets: [0, 4] } }, dataBytes: 4 },
    /tensor "x"/,
  ],
  [
    "an offset of 2^53",
    {
      header: `{"w":{"dtype":"U8","shape":[4],"data_offsets":[9007199254740992,9007199254740996]}}`,
      dataBytes: 4,
    },
    /below 2\^53/,
  ],
  ["a number in __metadata__", { header: { __metadata__: { a: 1 } }, dataBytes: 0 }, /expected a string/],
  [
    "__metadata__ twice",
    { header: '{"__metadata__":{},"__metadata__":{}}', dataBytes: 0 },
    /second __metadata__/,
  ],
  [
    "a name of 5000 characters",
    { header: { ["n".repeat(5000)]: 1 }, dataBytes: 0 },
    /a name of 5000 characters/,
  ],
  ["100,000 levels", { header: `{"w":${"[".repeat(100_000)}`, dataBytes: 0 }, /expected "{"/],
  [
    "100,000 levels in a shape",
    { header: `{"w":{"shape":${"[".repeat(100_000)}`, dataBytes: 0 },
    /whole number/,
  ],
  ["a control character in a name", { header: '{"a\nb":1}', dataBytes: 0 }, /U\+000A|control characters/],
  ["a broken escape in a name", { header: '{"a\\x":1}', dataBytes: 0 }, /broken escape/],
];

describe("one wrong thing: malformed-file in one sentence", () => {
  test.for(MALFORMED)("%s", async ([, draft, says]) => {
    const bytes = buildSafetensors(draft);
    if (says.source === ".") bytes[8] = 0xff;
    const error = await readSafetensorsHeader(memorySource("m", bytes)).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(VramCalcError);
    const { code, message } = error as VramCalcError;
    expect(code).toBe("malformed-file");
    expect(message).toMatch(says);
    expect(message).toMatch(/^m(, [^:]*)?: found .*, expected .*(\.|\))$|\.\.\.$/);
  });
});

describe("files that are something else", () => {
  test.for([
    ["nothing", "", /0 bytes, expected a safetensors file/],
    ["7 bytes", "1234567", /7 bytes/],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", /git lfs pull/],
    ["a GGUF file", `GGUF${"\0".repeat(60)}`, /(GGUF file|rest of the file)/],
    ["a web page", "<!DOCTYPE html><html></html>", /a web page/],
    ["a PyTorch archive", `PK\x03\x04${"a".repeat(60)}`, /ZIP archive/],
    ["bare JSON", '{"model_type":"llama"}', /found JSON/],
  ] as const)("%s", async ([, content, says]) => {
    const bytes = new TextEncoder().encode(content);
    await expect(readSafetensorsHeader(memorySource("m", bytes))).rejects.toThrow(says);
  });
});

describe("hostile sizes stay small and quick", () => {
  const timed = async (bytes: Uint8Array): Promise<unknown> => {
    const [before, started] = [process.memoryUsage().rss, performance.now()];
    const result = await readSafetensorsHeader(memorySource("m", bytes)).catch((cause: unknown) => cause);
    expect(performance.now() - started).toBeLessThan(timeLimit(2000));
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
    return result;
  };

  test("a header of 100,000,001 bytes is not read", async () => {
    const source = paddedSource("m", new Uint8Array([1, 0xe1, 0xf5, 5, 0, 0, 0, 0]), 200_000_000);
    const { source: counted, reads } = countReads(source);
    await expect(readSafetensorsHeader(counted)).rejects.toThrow(
      /at most 100000000, the limit of the format/,
    );
    expect(reads.length).toBe(1);
  });

  test("99 MB of spaces, then an open object", async () => {
    const header = new Uint8Array(99_000_000).fill(0x20);
    header.set([0x7b], 98_999_990);
    const bytes = new Uint8Array(8 + header.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    expect(await timed(bytes)).toBeInstanceOf(VramCalcError);
  });

  test("250,000 names of 300 characters", async () => {
    const one = (i: number) =>
      `"${String(i).padStart(300, "x")}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`;
    const header = `{${Array.from({ length: 250_000 }, (_, i) => one(i)).join()}}`;
    const result = await timed(buildSafetensors({ header, dataBytes: 0 }));
    expect(result).toMatchObject({
      message: expect.stringMatching(/longer names, expected at most 33554432/),
    });
  });

  test("more than 250,000 tensors in one file", async () => {
    const one = (i: number) => `"${i.toString(36)}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`;
    const bytes = buildSafetensors({
      header: `{${Array.from({ length: 400_000 }, (_, i) => one(i)).join()}}`,
      dataBytes: 0,
    });
    expect((await timed(bytes)) as Error).toMatchObject({
      message: expect.stringMatching(/more tensors, expected at most 250000/),
    });
  });
});
