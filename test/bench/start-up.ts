/**
 * Start-up of the built command line against `node -e 0`, as the median of interleaved pairs, so that a
 * busy machine slows both sides of a pair: with its compiled code kept, as from the third run on, which the
 * bars are for, and without any, as in the first. Prints the ratios; fails only past twice the bar, because a
 * timing is a reading and not an assertion.
 *
 *     npm run build && npm run bench [pairs]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../../dist/cli/vram-calc.cjs", import.meta.url));
const pairs = Math.max(31, Number(process.argv[2]) || 31);

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

function milliseconds(args: readonly string[], cache = ""): number {
  const env = { ...process.env, XDG_CACHE_HOME: cache, NODE_DISABLE_COMPILE_CACHE: "" };
  const start = process.hrtime.bigint();
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"], env });
  const elapsed = Number(process.hrtime.bigint() - start) / 1e6;
  if (status !== 0) throw new Error(`node ${args.join(" ")} ended with ${status}: ${stderr}`);
  return elapsed;
}

const folder = mkdtempSync(join(tmpdir(), "vram-calc-bench-"));
const kept = join(folder, "cache");
// Nothing is kept where even the folder around it is missing.
const nowhere = join(folder, "no", "cache");
const preload = join(folder, "report.cjs");
writeFileSync(
  preload,
  "process.on('exit',()=>require('fs').writeSync(2,String(process.resourceUsage().maxRSS)))",
);
const config = join(folder, "config.json");
writeFileSync(
  config,
  JSON.stringify({
    model_type: "qwen3",
    architectures: ["Qwen3ForCausalLM"],
    hidden_size: 5120,
    num_hidden_layers: 40,
    vocab_size: 151936,
    num_attention_heads: 40,
    num_key_value_heads: 8,
    head_dim: 128,
    intermediate_size: 17408,
    max_position_embeddings: 40960,
    torch_dtype: "bfloat16",
  }),
);

const LAYOUT = "--tp 8 --pp 16 --dp 16 --ep 64 --sharding zero1 --framework megatron".split(" ");

const cases = [
  { name: "vram-calc 14B --dtype fp16", args: [cli, "14B", "--dtype", "fp16"], bar: 1.25 },
  { name: "vram-calc config.json", args: [cli, config], bar: 1.4 },
  {
    name: "vram-calc train of a 671B mixture on 2,048 devices",
    args: [cli, "train", "deepseek-v3", ...LAYOUT, "--json"],
    bar: 1.5,
  },
];
let worst = 0;
for (const { name, args, bar } of cases) {
  const bare: number[] = [];
  const ours: number[] = [];
  const first: number[] = [];
  for (let i = 0; i < 2; i++) milliseconds(args, kept);
  for (let i = 0; i < pairs; i++) {
    bare.push(milliseconds(["-e", "0"]));
    ours.push(milliseconds(args, kept));
    first.push(milliseconds(args, nowhere));
  }
  const times = (runs: readonly number[]) => median(runs.map((ms, i) => ms / bare[i]!));
  const ratio = times(ours);
  worst = Math.max(worst, ratio / bar);
  console.log(
    `${name}: ${ratio.toFixed(3)}x of bare node (bar ${bar}x; first run ${times(first).toFixed(3)}x; median ${median(ours).toFixed(1)} ms against ${median(bare).toFixed(1)} ms, ${pairs} pairs)`,
  );
}
const memory = (args: readonly string[]): number => {
  const { stderr } = spawnSync(process.execPath, ["-r", preload, ...args], { encoding: "utf8" });
  return Number(stderr) / 1024;
};
const sample = (args: readonly string[]): number => median(Array.from({ length: 9 }, () => memory(args)));
const extra = sample([cli, "14B", "--dtype", "fp16"]) - sample(["-e", "0"]);
console.log(
  `peak memory of vram-calc 14B --dtype fp16: ${extra.toFixed(1)} MiB above bare node (bar 15 MiB)`,
);
rmSync(folder, { recursive: true, force: true });
if (worst > 2) {
  console.error("start-up is past twice its bar");
  process.exitCode = 1;
}
