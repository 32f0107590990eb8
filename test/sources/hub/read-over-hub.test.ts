import { existsSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { memorySource } from "../../../src/sources/bytes/byte-source.ts";
import { readGgufAt } from "../../../src/sources/gguf/read-gguf.ts";
import { createHttpClient } from "../../../src/sources/http/http-client.ts";
import { pickGgufFile } from "../../../src/sources/hub/gguf-choice.ts";
import { resolveHub } from "../../../src/sources/hub/resolve-hub.ts";
import { readCheckpointAt } from "../../../src/sources/safetensors/read-checkpoint.ts";
import { type MockHub, type MockRepo, startMockHub } from "./mock-hub.ts";

let mock: MockHub | undefined;
afterEach(async () => {
  await mock?.close();
  mock = undefined;
});

async function listingOf(files: MockRepo["files"], large: readonly string[]) {
  mock = await startMockHub({ repos: [{ id: "org/name", commit: "3".repeat(40), files, large }] });
  const env = { HF_ENDPOINT: mock.endpoint, HF_HOME: "/nonexistent" };
  return { mock, listing: await resolveHub({ repo: "org/name" }, { client: createHttpClient(), env }) };
}

/** A safetensors file of one F32 tensor: 8 bytes of header length, the header, then zeros. */
function shard(tensor: string, elements: number): Uint8Array {
  const header = new TextEncoder().encode(
    JSON.stringify({ [tensor]: { dtype: "F32", shape: [elements], data_offsets: [0, elements * 4] } }),
  );
  const bytes = new Uint8Array(8 + header.length + elements * 4);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}

describe("safetensors on the hub", () => {
  test("two shards of 1 and 2 million F32 values: 12,000,000 B of tensors for one range request each", async () => {
    const names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;
    const index = { metadata: { total_size: 12_000_000 }, weight_map: { a: names[0], b: names[1] } };
    const { mock, listing } = await listingOf(
      {
        [names[0]]: shard("a", 1_000_000),
        [names[1]]: shard("b", 2_000_000),
        "model.safetensors.index.json": JSON.stringify(index),
      },
      names,
    );
    const found = await readCheckpointAt({
      name: "org/name",
      fileNames: listing.files.map((f) => f.path),
      open: listing.open,
    });
    expect(found.totalBytes).toBe(12_000_000);
    expect(mock.cdn.seen.length).toBe(2);
    expect(mock.cdn.sentBytes() + mock.hub.sentBytes()).toBeLessThan(600_000);
  });
});

const SAMPLE = new URL("../../../../shared/samples/gguf/llama-f16.gguf", import.meta.url);

describe("GGUF on the hub", () => {
  test.skipIf(!existsSync(SAMPLE))(
    "the sample llama-f16.gguf reads the same over HTTP as from memory (skipped where the samples are absent)",
    async () => {
      const bytes = new Uint8Array(readFileSync(SAMPLE));
      const { listing } = await listingOf({ "m-F16.gguf": bytes }, ["m-F16.gguf"]);
      const [file] = pickGgufFile(listing.files, { name: "org/name", quant: "fp16" }).files;
      const remote = await readGgufAt({ fileName: file!.path, open: listing.open });
      const local = await readGgufAt({
        fileName: "m-F16.gguf",
        open: async () => memorySource("org/name:m-F16.gguf", bytes),
      });
      expect(remote).toEqual(local);
      expect(remote.tensors.length).toBeGreaterThan(0);
    },
  );
});
