/**
 * `vram-calc check` from start to exit: a budgets file of 1,000 rows over 50 models against one of a single row,
 * as the median of interleaved pairs of the built command.
 *
 *     npm run build && node .config/run.mjs test/bench/check.ts [pairs]
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../../dist/cli/vram-calc.cjs", import.meta.url));
const pairs = Math.max(11, Number(process.argv[2]) || 21);
const BAR = 3;
const MODELS = 50;
const CONTEXTS = ["2k", "4k", "8k", "16k", "32k"];
const CACHES = ["fp16", "fp8"];
const CARDS = ["a100-80gb", "h200"];

const folder = mkdtempSync(join(tmpdir(), "vram-calc-bench-"));
const models = Array.from({ length: MODELS }, (_, i) => {
  const name = `model-${i}`;
  mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, name, "config.json"),
    JSON.stringify({
      model_type: i % 2 === 0 ? "qwen3" : "llama",
      hidden_size: 2048 + 64 * i,
      num_hidden_layers: 20 + i,
      vocab_size: 128_256,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      head_dim: 128,
      intermediate_size: 8192,
      max_position_embeddings: 65_536,
      torch_dtype: "bfloat16",
    }),
  );
  return `./${name}`;
});
const many = { budgets: [{ matrix: { model: models, context: CONTEXTS, kvDtype: CACHES, gpu: CARDS } }] };
const one = { budgets: [{ model: models[0], context: "2k", kvDtype: "fp16", gpu: "a100-80gb" }] };
writeFileSync(join(folder, "many.json"), JSON.stringify(many));
writeFileSync(join(folder, "one.json"), JSON.stringify(one));

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

function milliseconds(file: string, rows: number): number {
  const start = process.hrtime.bigint();
  const run = spawnSync(process.execPath, [cli, "check", join(folder, file), "--report", "csv"], {
    encoding: "utf8",
  });
  const elapsed = Number(process.hrtime.bigint() - start) / 1e6;
  if (run.status !== 0 || run.stdout.split("\n").length !== rows + 2)
    throw new Error(`check ${file} ended with ${run.status}: ${run.stderr}`);
  return elapsed;
}

const times = { one: [] as number[], many: [] as number[] };
for (let i = 0; i < pairs; i++) {
  times.one.push(milliseconds("one.json", 1));
  times.many.push(milliseconds("many.json", MODELS * CONTEXTS.length * CACHES.length * CARDS.length));
}
rmSync(folder, { recursive: true, force: true });
const ratio = median(times.many.map((ms, i) => ms / times.one[i]!));
console.log(
  `check: 1,000 rows over ${MODELS} models take ${ratio.toFixed(2)}x of one row (bar ${BAR}x; median ${median(times.many).toFixed(1)} ms against ${median(times.one).toFixed(1)} ms, ${pairs} pairs)`,
);
if (ratio > 2 * BAR) process.exitCode = 1;
