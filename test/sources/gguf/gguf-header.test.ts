import { describe, expect, test } from "vitest";
import { GGML_TYPES } from "../../../src/formats/ggml-types.ts";
import { memorySource } from "../../../src/sources/bytes/byte-source.ts";
import { readGgufHeader } from "../../../src/sources/gguf/gguf-header.ts";
import { countReads, paddedSource, withoutSize } from "../bytes/padded-source.ts";
import { buildGguf, f32Tensor, type GgufDraft, strings, text, uint32 } from "./gguf-builder.ts";

const read = (draft: GgufDraft) => readGgufHeader(memorySource("m.gguf", buildGguf(draft)));

describe("versions and byte orders", () => {
  const draft: GgufDraft = {
    metadata: [
      ["general.architecture", text("llama")],
      ["tokenizer.ggml.tokens", strings(["a", "bc", ""])],
      ["llama.attention.head_count_kv", { type: 9, elementType: 4, items: [8, 0, 4] }],
    ],
    tensors: [f32Tensor("a", 2), { name: "b", shape: [64, 3], type: 2, bytes: 108 }, f32Tensor("c")],
  };
  const cases = [1, 2, 3].flatMap((version) =>
    [true, false].map((littleEndian) => ({ version, littleEndian })),
  );
  test.for(cases)(
    "version $version, little-endian $littleEndian: Q4_0 64x3 is 6 blocks x 18 B = 108 B",
    async (c) => {
      const file = await read({ ...draft, ...c });
      expect(file).toMatchObject({ version: c.version, littleEndian: c.littleEndian, vocabularyTokens: 3 });
      expect(file.tensors.map((t) => [t.name, t.bytes, t.offset - file.dataOffset])).toEqual([
        ["a", 2048, 0],
        ["b", 108, 2048],
        ["c", 1024, 2176],
      ]);
      expect(file.tensors[1]).toMatchObject({ shape: [64, 3], rowMajorShape: [3, 64], elements: 192 });
      expect(file.metadata.get("llama.attention.head_count_kv")).toEqual({
        elementType: "uint32",
        count: 3,
        values: [8, 0, 4],
      });
    },
  );
});

describe("what is kept and what is walked over", () => {
  const numbers = (count: number, items: readonly number[] = Array.from({ length: count }, (_, i) => i)) =>
    ({ type: 9, elementType: 5, items }) as const;

  test("4096 numbers are kept, 4097 are counted", async () => {
    const { metadata } = await read({
      metadata: [
        ["few", numbers(4096)],
        ["many", numbers(4097)],
      ],
    });
    expect(metadata.get("few")).toMatchObject({ count: 4096, values: numbers(4096).items });
    expect(metadata.get("many")).toEqual({ elementType: "int32", count: 4097 });
  });

  test("an integer beyond 2^53 in an array leaves a count", async () => {
    const big = { type: 9, elementType: 10, items: [1, 2n ** 60n] } as const;
    expect((await read({ metadata: [["big", big]] })).metadata.get("big")).toEqual({
      elementType: "uint64",
      count: 2,
    });
  });

  test("arrays nest four levels deep, not five", async () => {
    const nested = (depth: number): typeof inner =>
      depth === 1 ? inner : ({ type: 9, elementType: 9, items: [nested(depth - 1)] } as never);
    const inner = { type: 9, elementType: 4, items: [1, 2] } as const;
    const { metadata } = await read({
      metadata: [
        ["nested", nested(4)],
        ["after", uint32(7)],
      ],
    });
    expect([...metadata.values()]).toEqual([{ elementType: "array", count: 1 }, 7]);
    await expect(read({ metadata: [["nested", nested(5)]] })).rejects.toThrow(/at most 4 levels/);
  });

  test("a string of 1 MiB is kept, a longer one is null", async () => {
    const draft = {
      metadata: [
        ["a", text("x".repeat(2 ** 20))],
        ["b", text("y".repeat(2 ** 20 + 1))],
        ["c", text("z")],
      ],
    } as const;
    const { metadata } = await read(draft);
    expect([(metadata.get("a") as string).length, metadata.get("b"), metadata.get("c")]).toEqual([
      2 ** 20,
      null,
      "z",
    ]);
  });

  test("names keep a byte order mark; what is not UTF-8 becomes U+FFFD", async () => {
    const bytes = buildGguf({ metadata: [["\uFEFFkey", text("a?b")]] });
    bytes[bytes.indexOf("?".charCodeAt(0))] = 0xff;
    const { metadata } = await readGgufHeader(memorySource("m", bytes));
    expect([...metadata]).toEqual([["\uFEFFkey", "a\uFFFDb"]]);
  });

  test("a vocabulary larger than the window: 400,000 strings, 5 MB, in pieces of 256 KiB", async () => {
    const tokens = Array.from({ length: 400_000 }, (_, i) => "t".repeat(i % 11));
    const bytes = buildGguf({
      metadata: [
        ["tokenizer.ggml.tokens", strings(tokens)],
        ["after", uint32(9)],
      ],
      tensors: [f32Tensor("w")],
    });
    const { source, reads } = countReads(memorySource("m.gguf", bytes));
    const file = await readGgufHeader(source);
    expect(file).toMatchObject({ vocabularyTokens: 400_000, tensors: [{ name: "w" }] });
    expect(file.metadata.get("after")).toBe(9);
    expect(reads.length).toBe(Math.ceil(file.dataOffset / 2 ** 18));
  });

  test("scores are skipped unread: 10 million floats cost two reads", async () => {
    const head = buildGguf({
      metadata: [["scores", { type: 9, elementType: 6, items: [], count: 10_000_000n }]],
    });
    const { source, reads } = countReads(paddedSource("m.gguf", head, head.length + 40_000_000));
    const file = await readGgufHeader(source);
    expect(file.metadata.get("scores")).toEqual({ elementType: "float32", count: 10_000_000 });
    expect(reads).toEqual([[0, 2 ** 18]]);
  });

  test("a source without a size is read to the last byte of the header", async () => {
    const bytes = buildGguf({ metadata: [["a", strings(["x"])]], tensors: [f32Tensor("w")] });
    const file = await readGgufHeader(withoutSize(memorySource("m", bytes)));
    expect(file).toMatchObject({ fileBytes: null, files: [{ bytes: null }], tensorBytes: 1024 });
    const cut = buildGguf({ metadata: [["a", { type: 9, elementType: 6, items: [], count: 99_999n }]] });
    await expect(readGgufHeader(withoutSize(memorySource("m", cut)))).rejects.toThrow(/end of the file/);
  });
});

test.for(GGML_TYPES.filter((type) => type.name !== "Q8_1"))(
  "$name (id $id): 2 rows of $blockElements values are 2 x $blockBytes B",
  async (type) => {
    const file = await read({
      tensors: [{ name: "w", shape: [type.blockElements, 2], type: type.id, bytes: 2 * type.blockBytes }],
    });
    expect(file.tensors[0]).toMatchObject({
      type,
      elements: 2 * type.blockElements,
      bytes: 2 * type.blockBytes,
    });
  },
);

describe("alignment and place", () => {
  test("offsets count from a data section at a multiple of general.alignment", async () => {
    for (const alignment of [1, 8, 64, 1024]) {
      const metadata = [["general.alignment", uint32(alignment)]] as const;
      const file = await read({ alignment, metadata, tensors: [f32Tensor("a"), f32Tensor("b")] });
      expect(file.alignment).toBe(alignment);
      expect(file.dataOffset % alignment).toBe(0);
      expect(file.tensors.map((t) => t.offset - file.dataOffset)).toEqual([0, 1024]);
    }
  });

  test("order does not matter, gaps and an unpadded end are allowed, scalars and empty tensors too", async () => {
    const file = await read({
      tensors: [
        { name: "last", shape: [5], type: 0, offset: 4096 },
        { name: "first", shape: [256], type: 0, offset: 0 },
        { name: "empty", shape: [0, 4], type: 0, offset: 0 },
        { name: "scalar", shape: [], type: 0, offset: 1024 },
      ],
      dataBytes: 4096 + 20,
    });
    expect(file.tensors.map((t) => [t.name, t.elements, t.bytes])).toEqual([
      ["last", 5, 20],
      ["first", 256, 1024],
      ["empty", 0, 0],
      ["scalar", 1, 4],
    ]);
  });

  test("a vocabulary alone is a file: no tensors, no data", async () => {
    const bytes = buildGguf({ metadata: [["tokenizer.ggml.tokens", strings(["a"])]] });
    const file = await readGgufHeader(memorySource("vocabulary.gguf", bytes));
    expect(file).toMatchObject({ tensors: [], tensorBytes: 0, vocabularyTokens: 1 });
  });
});

describe("a window may end anywhere", () => {
  const cases = [
    { version: 3, littleEndian: true },
    { version: 1, littleEndian: false },
  ];
  test.for(cases)(
    "version $version, little-endian $littleEndian: its first end on each byte of what follows",
    async (c) => {
      const rest: NonNullable<GgufDraft["metadata"]> = [
        ["text", text("é".repeat(20))],
        // Longer than what is asked for ahead of an entry, so that the end falls inside each part of it.
        ["k".repeat(600), uint32(1)],
        ["nested", { type: 9, elementType: 9, items: [strings(["a", "b".repeat(600)]), strings([])] }],
        ["numbers", { type: 9, elementType: 5, items: Array.from({ length: 300 }, (_, i) => -i) }],
        ["float", { type: 12, value: 0.25 }],
        ["tokenizer.ggml.tokens", strings(["a", "", "longer than most"])],
      ];
      const build = (padding: number) =>
        buildGguf({
          ...c,
          metadata: [["padding", strings(["x".repeat(padding)])], ...rest],
          tensors: [f32Tensor("first"), { name: "second", shape: [32, 3], type: 2, bytes: 54 }],
        });
      const plain = await readGgufHeader(memorySource("m", build(0)));
      // The padding comes first, so this is more than all that follows it.
      const following = plain.dataOffset + 200;
      for (let before = 0; before <= following; before++) {
        const file = await readGgufHeader(memorySource("m", build(2 ** 18 - before)));
        expect([...file.metadata].slice(1)).toEqual([...plain.metadata].slice(1));
        const layout = ({ tensors, dataOffset }: typeof file) =>
          tensors.map((t) => [t.name, t.shape, t.bytes, t.offset - dataOffset]);
        expect(layout(file)).toEqual(layout(plain));
      }
    },
  );
});
