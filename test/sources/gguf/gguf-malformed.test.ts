import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { memorySource } from "../../../src/sources/bytes/byte-source.ts";
import { readGgufHeader } from "../../../src/sources/gguf/gguf-header.ts";
import { timeLimit } from "../../time-limit.ts";
import { paddedSource } from "../bytes/padded-source.ts";
import {
  buildGguf,
  type DraftTensor,
  f32Tensor,
  type GgufDraft,
  strings,
  text,
  uint32,
} from "./gguf-builder.ts";

async function failure(bytes: Uint8Array, size = bytes.length): Promise<VramCalcError> {
  const started = performance.now();
  const error = await readGgufHeader(paddedSource("m.gguf", bytes, size)).then(
    () => expect.fail("was accepted"),
    (cause: unknown) => cause,
  );
  expect(performance.now() - started).toBeLessThan(timeLimit(2000));
  expect(error).toBeInstanceOf(VramCalcError);
  expect((error as VramCalcError).code).toBe("malformed-file");
  return error as VramCalcError;
}

const one = (tensor: Partial<DraftTensor>, draft: GgufDraft = {}): GgufDraft => ({
  tensors: [{ ...f32Tensor("w"), ...tensor }],
  ...draft,
});
const array = (elementType: number, count: bigint, items: readonly number[] = []) =>
  ({ type: 9, elementType, items, count }) as const;

const CASES: readonly { readonly name: string; readonly draft: GgufDraft; readonly says: RegExp }[] = [
  {
    name: "version 0",
    draft: { version: 0 },
    says: /byte 4: found GGUF version 0, expected version 1, 2 or 3/,
  },
  { name: "version 4", draft: { version: 4 }, says: /version 4/ },
  {
    name: "2^64 - 1 tensors",
    draft: { tensorCount: 2n ** 64n - 1n },
    says: /byte 8: .*18446744073709551615/,
  },
  { name: "2^63 keys", draft: { keyCount: 2n ** 63n }, says: /byte 16: .*9223372036854775808/ },
  { name: "10^7 tensors claimed", draft: { tensorCount: 10_000_000n }, says: /claim of 10000000 tensors/ },
  {
    name: "5000 tensors claimed, 1 there",
    draft: one({}, { tensorCount: 5000n }),
    says: /5000 tensors|name/,
  },
  { name: "10^6 keys claimed", draft: { keyCount: 1_000_000n }, says: /claim of 1000000 keys/ },
  {
    name: "a key twice",
    draft: {
      metadata: [
        ["a", uint32(1)],
        ["a", uint32(1)],
      ],
    },
    says: /the key "a" again, expected each key once/,
  },
  { name: "an empty key", draft: { metadata: [["", uint32(1)]] }, says: /key name of 0 bytes/ },
  {
    name: "a key of 65,536 bytes",
    draft: { metadata: [["k".repeat(65_536), uint32(1)]] },
    says: /key name of 65536/,
  },
  {
    name: "value type 13",
    draft: { metadata: [["a", { type: 13, value: 1 }]] },
    says: /value type 13, expected 0 to 12/,
  },
  { name: "array element type 99", draft: { metadata: [["a", array(99, 1n, [1])]] }, says: /value type 99/ },
  {
    name: "a boolean of 2",
    draft: { metadata: [["a", { type: 7, value: 2 }]] },
    says: /2 as a boolean, expected 0 or 1/,
  },
  { name: "2^61 floats", draft: { metadata: [["a", array(6, 2n ** 61n)]] }, says: /2305843009213693952/ },
  { name: "10^12 floats", draft: { metadata: [["a", array(6, 10n ** 12n)]] }, says: /end of the file/ },
  {
    name: "10^12 strings",
    draft: { metadata: [["a", array(8, 10n ** 12n)]] },
    says: /claim of 1000000000000 strings/,
  },
  { name: "10^12 arrays", draft: { metadata: [["a", array(9, 10n ** 12n)]] }, says: /end of the file/ },
  {
    name: "alignment 0",
    draft: { metadata: [["general.alignment", uint32(0)]] },
    says: /alignment 0, expected a power of two/,
  },
  { name: "alignment 24", draft: { metadata: [["general.alignment", uint32(24)]] }, says: /alignment 24/ },
  {
    name: "alignment as text",
    draft: { metadata: [["general.alignment", text("32")]] },
    says: /power of two/,
  },
  { name: "a tensor twice", draft: { tensors: [f32Tensor("w"), f32Tensor("w")] }, says: /tensor "w" again/ },
  { name: "a tensor without a name", draft: one({ name: "" }), says: /tensor name of 0 bytes/ },
  {
    name: "5 dimensions",
    draft: one({ shape: [1, 1, 1, 1, 1] }),
    says: /5 dimensions in tensor "w", expected at most 4/,
  },
  {
    name: "a dimension of 2^64 - 1",
    draft: one({ shape: [2n ** 64n - 1n] }),
    says: /tensor "w".*18446744073709551615/,
  },
  {
    name: "2^120 values",
    draft: one({ shape: [2n ** 40n, 2n ** 40n, 2n ** 40n] }),
    says: /fewer than 2\^53 values/,
  },
  {
    name: "2^53 values in bytes beyond",
    draft: one({ shape: [2n ** 52n] }),
    says: /fewer than 2\^53 values and bytes/,
  },
  { name: "type 77", draft: one({ type: 77 }), says: /tensor type 77 in tensor "w"/ },
  { name: "type 2^32 - 1", draft: one({ type: 2 ** 32 - 1 }), says: /tensor type 4294967295/ },
  { name: "type 4, removed", draft: one({ type: 4 }), says: /Q4_2, which GGML removed/ },
  { name: "type 31, removed", draft: one({ type: 31 }), says: /Q4_0_4_4/ },
  { name: "type 38, removed", draft: one({ type: 38 }), says: /IQ4_NL_8_8/ },
  { name: "type 9, of no agreed size", draft: one({ type: 9 }), says: /Q8_1/ },
  {
    name: "rows of 100 values in Q4_K",
    draft: one({ type: 12, shape: [100, 256] }),
    says: /rows of 100 values.*multiple of 256, the block of Q4_K/,
  },
  {
    name: "an offset of 2^64 - 1",
    draft: one({ offset: 2n ** 64n - 1n }, { dataBytes: 1024 }),
    says: /offset of 18446744073709551615/,
  },
  {
    name: "an offset of 2^53 - 32",
    draft: one({ offset: 2n ** 53n - 32n }, { dataBytes: 1024 }),
    says: /tensor "w".*download complete/,
  },
  {
    name: "an offset off alignment",
    draft: one({ offset: 33 }, { dataBytes: 4096 }),
    says: /offset 33, expected a multiple of the alignment 32/,
  },
  {
    name: "data past the end of the file",
    draft: one({}, { dataBytes: 1023 }),
    says: /1024 bytes of data.*download complete/,
  },
  {
    name: "two tensors in one place",
    draft: { tensors: [f32Tensor("a"), { ...f32Tensor("b"), offset: 0 }] },
    says: /tensor "b": found data that overlaps tensor "a"/,
  },
  {
    name: "overlap by a byte",
    draft: {
      metadata: [["general.alignment", uint32(1)]],
      alignment: 1,
      tensors: [f32Tensor("a"), { ...f32Tensor("b"), offset: 1023 }],
    },
    says: /overlaps/,
  },
];

describe("one wrong thing: malformed-file in one sentence that says where", () => {
  test.for(CASES)("$name", async ({ draft, says }) => {
    const { message } = await failure(buildGguf(draft));
    expect(message).toMatch(says);
    expect(message).toMatch(/^m\.gguf, (byte \d+|tensor "w"|tensor "b"): found .*, expected .*[.?!)]$/);
  });

  test.for([1, 3])("a string length beyond the file, in every place, version %d", async (version) => {
    const bytes = buildGguf({ version, metadata: [["a", strings(["x", "y"])]], tensors: [f32Tensor("w")] });
    const view = new DataView(bytes.buffer);
    const width = version === 1 ? 4 : 8;
    let lengths = 0;
    for (let at = 0; at + width < bytes.length - 1024; at++) {
      // A length is what stands before one of the four one-byte texts.
      const after = String.fromCharCode(bytes[at + width]!);
      const isLength = width === 4 ? view.getUint32(at, true) === 1 : view.getBigUint64(at, true) === 1n;
      if (!isLength || !"axyw".includes(after)) continue;
      lengths++;
      for (const claim of width === 4
        ? [2n ** 31n, 2n ** 32n - 1n]
        : [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 64n - 1n]) {
        const bad = bytes.slice();
        const badView = new DataView(bad.buffer);
        if (width === 4) badView.setUint32(at, Number(claim), true);
        else badView.setBigUint64(at, claim, true);
        expect((await failure(bad)).message).toMatch(/byte \d+/);
      }
    }
    expect(lengths).toBe(4);
  });
});

describe("files that are something else", () => {
  test.for([
    ["nothing", "", /byte 0/],
    ["one byte", "G", /byte 0/],
    ["the magic alone", "GGUF", /4?.*end of the file at byte 4/],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", /git lfs pull/],
    ["a web page", "<!DOCTYPE html><html></html>        ", /a web page/],
    ["a PyTorch archive", "PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", /ZIP archive/],
    ["zeros", "\0".repeat(64), /00000000/],
  ] as const)("%s", async ([, content, says]) => {
    expect((await failure(new TextEncoder().encode(content))).message).toMatch(says);
  });
});

describe("hostile sizes stay small and quick", () => {
  test("a header that never ends stops at 256 MiB", async () => {
    // 300 MB of empty strings: zeros are all their lengths.
    const head = buildGguf({ metadata: [["a", array(8, 37_000_000n)]] });
    expect((await failure(head, 300_000_000)).message).toMatch(/at most 268,435,456 bytes/);
  });

  test("a million inner arrays are refused after 32 MiB of them", async () => {
    const head = buildGguf({ metadata: [["a", array(9, 20_000_000n)]] });
    expect((await failure(head, 250_000_000)).message).toMatch(/at most 32 MiB/);
  });

  test("262,144 tensors of a name each are read; one more is refused", async () => {
    const tensors = Array.from({ length: 2 ** 18 }, (_, i) => ({
      name: `t${i}`,
      shape: [0],
      type: 0,
      offset: 0,
    }));
    const before = process.memoryUsage().rss;
    const file = await readGgufHeader(memorySource("m", buildGguf({ tensors })));
    expect(file.tensors.length).toBe(2 ** 18);
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 28);
    const message = (await failure(buildGguf({ tensors: [...tensors, f32Tensor("more")] }))).message;
    expect(message).toMatch(/claim of 262145 tensors, expected at most 262144/);
  });
});
