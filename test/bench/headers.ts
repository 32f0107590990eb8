/**
 * Header reading against its two yardsticks, in one process: @huggingface/gguf, and reading the same bytes
 * with plain fs. Every round opens the files anew; the page cache is warm for all sides. The first round of
 * ours is printed apart, because a command line only ever has a first round.
 *
 *     node .config/run.mjs test/bench/headers.ts [rounds]
 */
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gguf } from "@huggingface/gguf";
import { readGguf } from "../../src/sources/gguf/read-gguf.ts";
import { readCheckpoint } from "../../src/sources/safetensors/read-checkpoint.ts";
import { buildGguf, f32Tensor, strings, text, uint32 } from "../sources/gguf/gguf-builder.ts";
import { bf16Layout, buildSafetensors } from "../sources/safetensors/safetensors-builder.ts";

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

/** Rounds interleaved, so that a busy machine slows all sides alike. */
async function race(
  rounds: number,
  sides: { readonly [name: string]: () => Promise<unknown> },
): Promise<{ [name: string]: { first: number; median: number } }> {
  const times: { [name: string]: number[] } = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, work] of Object.entries(sides)) {
      times[name] ??= [];
      times[name].push(await milliseconds(work));
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, { first: all[0]!, median: median(all.slice(1)) }]),
  );
}

/** Opens, asks for the size and reads the first bytes, as any reader must. */
async function readPlainly(path: string, into: Buffer): Promise<Buffer> {
  const handle = await open(path);
  await handle.stat();
  await handle.read(into, 0, into.length, 0);
  await handle.close();
  return into;
}

/** As a safetensors reader must: the length, then that much. */
async function readHeaderPlainly(path: string): Promise<Buffer> {
  const handle = await open(path);
  await handle.stat();
  const length = Buffer.allocUnsafe(8);
  await handle.read(length, 0, 8, 0);
  const header = Buffer.allocUnsafe(Number(length.readBigUInt64LE()));
  await handle.read(header, 0, header.length, 8);
  await handle.close();
  return header;
}

/** 150,000 tokens with their types, as many merges and 1,000 tensors: a current 30B's header. */
function vocabularyFile(path: string): void {
  const tokens = Array.from({ length: 150_000 }, (_, i) => `tok${i.toString(36)}`);
  const merges = Array.from({ length: 150_000 }, (_, i) => `${i.toString(36)} ${(i * 7).toString(36)}`);
  const header = buildGguf({
    metadata: [
      ["general.architecture", text("llama")],
      ["llama.block_count", uint32(110)],
      ["tokenizer.ggml.tokens", strings(tokens)],
      ["tokenizer.ggml.token_type", { type: 9, elementType: 5, items: tokens.map(() => 1) }],
      ["tokenizer.ggml.merges", strings(merges)],
    ],
    tensors: Array.from({ length: 1000 }, (_, i) =>
      f32Tensor(`blk.${Math.floor(i / 9)}.part_${i % 9}.weight`),
    ),
    dataBytes: 0,
  });
  writeFileSync(path, header);
  truncateSync(path, header.length + 1000 * 1024);
}

/** As many shards as the largest models have, every one with the experts of a layer. */
function shardedModel(folder: string, shards: number, tensorsEach: number): void {
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const file = `model-${String(shard + 1).padStart(5, "0")}-of-${String(shards).padStart(5, "0")}.safetensors`;
    const names = Array.from(
      { length: tensorsEach },
      (_, i) => [`model.layers.${shard}.mlp.experts.${i}.down_proj.weight`, 7168, 2048] as const,
    );
    for (const [name] of names) weightMap[name] = file;
    const { header, dataBytes } = bf16Layout(names);
    const bytes = buildSafetensors({ header, dataBytes: 0 });
    writeFileSync(join(folder, file), bytes);
    truncateSync(join(folder, file), bytes.length + dataBytes);
  }
  // As transformers writes it: keys sorted, two spaces of indent.
  const sorted = Object.fromEntries(Object.entries(weightMap).sort(([a], [b]) => (a < b ? -1 : 1)));
  const index = { metadata: { total_size: shards * tensorsEach * 2 * 7168 * 2048 }, weight_map: sorted };
  writeFileSync(join(folder, "model.safetensors.index.json"), JSON.stringify(index, null, 2));
}

export async function run(rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "vram-calc-headers-"));
  try {
    const path = join(folder, "vocabulary.gguf");
    vocabularyFile(path);
    const { dataOffset } = await readGguf(path);
    const warm = Buffer.alloc(dataOffset);
    const header = await race(rounds, {
      ours: () => readGguf(path),
      plain: () => readPlainly(path, Buffer.allocUnsafe(dataOffset)),
      intoWarmMemory: () => readPlainly(path, warm),
    });
    const theirs = await race(Math.min(rounds, 6), { theirs: () => gguf(path, { allowLocalFile: true }) });
    const [ours, plain, intoWarm] = [header.ours!, header.plain!, header.intoWarmMemory!];
    console.log(
      `GGUF, ${(dataOffset / 1e6).toFixed(1)} MB of header: ${ours.median.toFixed(2)} ms; ` +
        `${(ours.median / plain.median).toFixed(2)}x of reading the bytes (bar 2x; ` +
        `${(ours.median / intoWarm.median).toFixed(2)}x where the memory for them is there already), ` +
        `${(theirs.theirs!.median / ours.median).toFixed(0)}x faster than @huggingface/gguf (bar 10x)`,
    );
    for (const tensorsEach of [10, 100, 560]) {
      const model = mkdtempSync(join(folder, "model-"));
      shardedModel(model, 160, tensorsEach);
      const names = await readdir(model);
      const indexBytes = statSync(join(model, "model.safetensors.index.json")).size;
      const shards = names.filter((name) => name.endsWith(".safetensors"));
      const index = join(model, "model.safetensors.index.json");
      const readAll = async <T>(use: (bytes: Buffer) => T): Promise<T[]> => {
        const results = [use(await readPlainly(index, Buffer.allocUnsafe(indexBytes)))];
        for (const shard of shards) results.push(use(await readHeaderPlainly(join(model, shard))));
        return results;
      };
      const result = await race(rounds, {
        ours: () => readCheckpoint(model),
        // A row for each tensor, which the checks do without, is built when someone asks for it.
        withRows: async () => (await readCheckpoint(model)).tensors,
        plain: () => readAll(() => null),
        parsed: () => readAll((bytes) => JSON.parse(bytes.toString()) as unknown),
      });
      const [mine, bytes, parsed] = [result.ours!, result.plain!, result.parsed!];
      const rows = result.withRows!.median / bytes.median;
      console.log(
        `160 shards of ${tensorsEach} tensors: ${mine.median.toFixed(1)} ms (first ${mine.first.toFixed(1)}); ` +
          `${(mine.median / bytes.median).toFixed(2)}x of reading the headers with plain fs (bar 2x; ` +
          `${rows.toFixed(2)}x with a row built for each tensor), ` +
          `${(mine.median / parsed.median).toFixed(2)}x of that and JSON.parse, which checks nothing`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await run(Math.max(3, Number(process.argv[2]) || 21));
