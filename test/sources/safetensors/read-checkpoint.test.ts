import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../../src/errors.ts";
import { memorySource } from "../../../src/sources/bytes/byte-source.ts";
import { readCheckpoint, readWeightFile } from "../../../src/sources/safetensors/read-checkpoint.ts";
import type { TensorFile } from "../../../src/sources/safetensors/tensor-file.ts";
import vectors from "../../vectors/safetensors-headers.json" with { type: "json" };
import { withFolder } from "../bytes/padded-source.ts";
import { bf16Layout, buildSafetensors } from "./safetensors-builder.ts";

const fixture = (name: string): Uint8Array =>
  readFileSync(new URL(`../../fixtures/safetensors/${name}`, import.meta.url));
const FIRST = "model-00001-of-00002.safetensors";
const SECOND = "model-00002-of-00002.safetensors";
const INDEX = "model.safetensors.index.json";
const shard = (name: typeof FIRST | typeof SECOND) =>
  [fixture(`${name}-header`), vectors.files[name].bytes] as const;
const SHARDED = { [FIRST]: shard(FIRST), [SECOND]: shard(SECOND), [INDEX]: fixture(INDEX) };

async function failure(work: Promise<unknown>): Promise<VramCalcError> {
  const error = await work.then(
    () => expect.fail("was accepted"),
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(VramCalcError);
  return error as VramCalcError;
}

describe("a two-shard model written by transformers", () => {
  test.for(["", INDEX])(
    "from its directory or index (%s): 10 + 10 tensors, 180,864 B as total_size says",
    (name) =>
      withFolder(SHARDED, async (folder) => {
        const model = await readCheckpoint(join(folder, name));
        if (model.kind !== "tensors") return expect.fail("totals only");
        expect(model.tensors.map((t) => t.name)).toEqual(
          [FIRST, SECOND].flatMap((file) => namesInOrder(file as typeof FIRST)),
        );
        expect(model.totalBytes).toBe(180_864);
        expect(model.files.map((f) => [f.name, f.tensors])).toEqual([
          [join(folder, FIRST), 10],
          [join(folder, SECOND), 10],
        ]);
        expect(model.notes).toEqual([]);
        expect([...model.metadata]).toEqual([["format", "pt"]]);
      }),
  );

  test.each([FIRST, SECOND])("from one shard, %s: the whole set", (shard) =>
    withFolder(SHARDED, async (folder) => {
      expect(await readCheckpoint(join(folder, shard))).toMatchObject({
        kind: "tensors",
        totalBytes: 180_864,
        files: [{ tensors: 10 }, { tensors: 10 }],
      });
    }),
  );

  test("from one shard whose sibling is not there: refused, naming it", () =>
    withFolder({ [SECOND]: SHARDED[SECOND]! }, async (folder) => {
      await expect(readCheckpoint(join(folder, SECOND))).rejects.toThrow(
        /00001-of-00002\.safetensors: there is no such file.* is one of 2 shards/,
      );
    }));

  test("without the index: the numbered set", () =>
    withFolder({ [FIRST]: SHARDED[FIRST]!, [SECOND]: SHARDED[SECOND]! }, async (folder) => {
      expect(await readCheckpoint(folder)).toMatchObject({ kind: "tensors", totalBytes: 180_864 });
    }));

  test("a shard missing: which, who lists it, what to do", () =>
    withFolder({ [FIRST]: SHARDED[FIRST]!, [INDEX]: SHARDED[INDEX]! }, async (folder) => {
      const error = await failure(readCheckpoint(folder));
      expect(error.code).toBe("unreadable-path");
      expect(error.message).toBe(
        `cannot read ${join(folder, SECOND)}: there is no such file or directory; ${INDEX} lists it, so download all shards.`,
      );
    }));

  test("a shard cut off", () =>
    withFolder({ ...SHARDED, [SECOND]: [shard(SECOND)[0], 71_071] }, async (folder) => {
      expect((await failure(readCheckpoint(folder))).message).toMatch(
        /00002-of-00002.*71,071 bytes, expected 71,072/,
      );
    }));
});

/** In the order of the header, which lists by place. */
function namesInOrder(file: typeof FIRST | typeof SECOND): string[] {
  const rows = vectors.files[file].tensors.map((row) => row.split(" "));
  return rows.sort((a, b) => Number(a[3]) - Number(b[3])).map(([name]) => name!);
}

/** Reads an index over files "a.safetensors" with [4, 2] in w, "b.safetensors" with [2, 2] in x and y. */
function readIndex(index: unknown, extra: { readonly [name: string]: Uint8Array } = {}) {
  const opened: string[] = [];
  const files: { readonly [name: string]: Uint8Array } = {
    "a.safetensors": buildSafetensors(bf16Layout([["w", 4, 2]])),
    "b.safetensors": buildSafetensors(
      bf16Layout([
        ["x", 2, 2],
        ["y", 2, 2],
      ]),
    ),
    [INDEX]: new TextEncoder().encode(typeof index === "string" ? index : JSON.stringify(index)),
    ...extra,
  };
  const open = async (name: string) => {
    opened.push(name);
    const bytes = files[name];
    if (bytes === undefined) throw new Error(`${name} was asked for`);
    return memorySource(name, bytes);
  };
  return { model: readWeightFile(INDEX, open), opened };
}

describe("an index is checked against its shards", () => {
  const map = { w: "a.safetensors", x: "b.safetensors", y: "b.safetensors" };

  test("each shard is opened once, whatever the order of the map", async () => {
    const { model, opened } = readIndex({ weight_map: { y: map.y, w: map.w, x: map.x } });
    expect(await model).toMatchObject({ totalBytes: 32, notes: [] });
    expect(opened).toEqual([INDEX, "a.safetensors", "b.safetensors"]);
  });

  test("a map of no tensors is no index", () =>
    expect(readIndex({ weight_map: {} }).model).rejects.toThrow(/found an empty one, expected a weight_map/));

  test("a total_size that differs is a note: writers count tied tensors and padding in their own ways", async () => {
    const model = (await readIndex({ metadata: { total_size: 33 }, weight_map: map }).model) as TensorFile;
    expect(model.notes).toEqual([
      {
        code: "total-size-differs",
        message: expect.stringMatching(/total_size of 33 bytes.*shards hold 32/),
      },
    ]);
  });

  test.for([32.5, "32", null, -1, 2 ** 60])("a total_size of %s says nothing", async (total_size) => {
    expect(await readIndex({ metadata: { total_size }, weight_map: map }).model).toMatchObject({ notes: [] });
  });

  test("tensors that it does not name are counted and noted", async () => {
    const model = await readIndex({ weight_map: { w: map.w, x: map.x } }).model;
    expect(model).toMatchObject({ totalBytes: 32, notes: [{ code: "unlisted-tensors" }] });
  });

  test("a byte order mark and unknown keys are passed over", async () => {
    const text = `\uFEFF${JSON.stringify({ format: [1, { a: "}" }], metadata: {}, weight_map: map })}\n`;
    expect(await readIndex(text).model).toMatchObject({ totalBytes: 32 });
  });

  const wrong: readonly (readonly [name: string, index: unknown, says: RegExp])[] = [
    [
      "a tensor that no shard holds",
      { weight_map: { ...map, z: "a.safetensors" } },
      /tensor "z" in a.safetensors, expected a tensor that this shard holds/,
    ],
    [
      "a tensor in the other shard",
      { weight_map: { w: "b.safetensors", x: map.x, y: map.y } },
      /tensor "w" in b.safetensors/,
    ],
    [
      "a tensor twice",
      '{"weight_map":{"w":"a.safetensors","w":"a.safetensors"}}',
      /tensor "w" in a.safetensors and once more/,
    ],
    [
      "a tensor in two shards",
      '{"weight_map":{"w":"a.safetensors","x":"b.safetensors","w":"b.safetensors"}}',
      /tensor "w".*once more/,
    ],
    ["no weight_map", { metadata: {} }, /without one, expected the key "weight_map"/],
    ["two weight_maps", '{"weight_map":{},"weight_map":{}}', /second weight_map/],
    ["a weight_map that is a list", { weight_map: [] }, /line 1, column 15: found "\[", expected "\{"/],
    ["a shard that is a number", { weight_map: { w: 1 } }, /expected a string/],
    ["not an object", [], /expected "\{"/],
    ["nothing", "", /end of the JSON/],
    ["text after it", `${JSON.stringify({ weight_map: map })}x`, /nothing after the JSON/],
    [
      "a broken value, with line and column within it",
      '{\n "metadata": {"a": tru},\n "weight_map": {}}',
      /in the value of "metadata", line 1, column 7/,
    ],
    [
      "metadata of 100,000 levels",
      `{"metadata":${"[".repeat(30_000)}${"]".repeat(30_000)},"weight_map":{}}`,
      /at most 200/,
    ],
    [
      "metadata of 70,000 characters",
      { metadata: { a: "x".repeat(70_000) }, weight_map: map },
      /70008 characters/,
    ],
    ["itself", { weight_map: { w: INDEX } }, /plain name of a .safetensors file/],
    ...[
      "../a.safetensors",
      "/a.safetensors",
      "d/a.safetensors",
      "d\\a.safetensors",
      "C:a.safetensors",
      "a.bin",
      ".",
      "",
      "a\0.safetensors",
    ].map(
      (name) =>
        [
          `a shard called "${name}"`,
          { weight_map: { w: name } },
          /plain name of a .safetensors file beside the index/,
        ] as const,
    ),
  ];
  test.for(wrong)("%s", async ([, index, says]) => {
    const { model, opened } = readIndex(index);
    const error = await failure(model);
    expect(error.code).toBe("malformed-file");
    expect(error.message).toMatch(says);
    expect(opened.every((name) => /^[ab]\.safetensors$|^model/.test(name))).toBe(true);
  });

  test("one tensor in two shards, one of them unlisted", async () => {
    const extra = {
      "b.safetensors": buildSafetensors(
        bf16Layout([
          ["w", 4, 2],
          ["x", 2, 2],
        ]),
      ),
    };
    const { model } = readIndex({ weight_map: { w: map.w, x: map.x } }, extra);
    expect((await failure(model)).message).toMatch(/tensor "w", which a.safetensors also holds/);
  });
});

test("without an index, one tensor in two shards", () => {
  const bytes = buildSafetensors(bf16Layout([["w", 4, 2]]));
  return withFolder({ [FIRST]: bytes, [SECOND]: bytes }, async (folder) => {
    expect((await failure(readCheckpoint(folder))).message).toMatch(
      /tensor "w", which .*00001-of.* also holds/,
    );
  });
});

describe("PyTorch: totals alone", () => {
  const index = {
    metadata: { total_size: 28_966_928_384, total_parameters: 14_483_464_192 },
    weight_map: { a: "pytorch_model-00001-of-00002.bin", b: "pytorch_model-00002-of-00002.bin" },
  };
  const name = "pytorch_model.bin.index.json";

  test("marked so, with what the index says", () =>
    withFolder({ [name]: JSON.stringify(index) }, async (folder) => {
      expect(await readCheckpoint(folder)).toEqual({
        kind: "totals",
        file: join(folder, name),
        source: "pytorch-index",
        totalBytes: 28_966_928_384,
        parameters: 14_483_464_192,
        tensors: 2,
        files: ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"],
      });
    }));

  test("never where safetensors lie beside it", () =>
    withFolder({ ...SHARDED, [name]: JSON.stringify(index) }, async (folder) => {
      expect(await readCheckpoint(folder)).toMatchObject({ kind: "tensors", totalBytes: 180_864 });
    }));

  test("without a total it says nothing", () =>
    withFolder({ [name]: JSON.stringify({ ...index, metadata: {} }) }, async (folder) => {
      expect((await failure(readCheckpoint(folder))).message).toMatch(/no total_size/);
    }));
});

describe("directories", () => {
  test.for([
    [{}, /it holds no safetensors file/],
    [{ "adapter_model.safetensors": "" }, /an adapter but not the model/],
    [
      { "a.safetensors": "", "b.safetensors": "" },
      /several models: a.safetensors, b.safetensors; give the path of one/,
    ],
    [{ [FIRST]: "" }, /model-00002-of-00002.safetensors is missing; download all shards/],
  ] as const)("%o", ([files, says]) =>
    withFolder(files, async (folder) => {
      const error = await failure(readCheckpoint(folder));
      expect([error.code, error.message]).toEqual(["unreadable-path", expect.stringMatching(says)]);
    }),
  );

  test("a path that is not there", async () => {
    expect((await failure(readCheckpoint("/no/such/model"))).code).toBe("unreadable-path");
  });
});
