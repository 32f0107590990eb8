/**
 * `vram-calc jsonl` over a stream of requests: requests per second of processor time of the built command, and
 * its memory along the way. The requests cycle over models, formats, contexts and cards.
 *
 *     npm run build && node .config/run.mjs test/bench/jsonl.ts [requests]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../../dist/cli/vram-calc.cjs", import.meta.url));
const requests = Number(process.argv[2]) || 1_000_000;
const BAR = 20_000;

const MODELS = ["14B", "7B", "qwen2.5-14b", "llama-3.1-8b", "mixtral-8x7b", "gemma-2-9b", "70B", "qwen3-14b"];
const FORMATS = ["fp16", "fp8", "q8_0", "bf16"];
const CONTEXTS = [2048, 8192, "16k", 32_768];
const LIMITS = ['"gpu":"rtx-4090"', '"budget":"80GiB"', '"gpu":"h100"', '"batch":4'];

function requestLine(i: number): string {
  const pick = <T>(list: readonly T[], stride: number): T => list[Math.floor(i / stride) % list.length]!;
  const fields = [
    `"id":${i}`,
    `"model":"${pick(MODELS, 1)}"`,
    `"dtype":"${pick(FORMATS, 8)}"`,
    `"context":${JSON.stringify(pick(CONTEXTS, 32))}`,
    pick(LIMITS, 128),
  ];
  return `{${fields.join(",")}}\n`;
}

const child = spawn(process.execPath, [cli, "jsonl"], { stdio: ["pipe", "pipe", "inherit"] });
let answers = 0;
let outputBytes = 0;
let errors = 0;
child.stdout.on("data", (chunk: Buffer) => {
  outputBytes += chunk.length;
  for (let i = chunk.indexOf(10); i !== -1; i = chunk.indexOf(10, i + 1)) answers++;
  if (chunk.includes('"error"')) errors++;
});

/** Resident memory in MiB and processor seconds of the child, as Linux gives them. */
function readings(): { readonly rss: number; readonly seconds: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return {
    rss: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    seconds: (Number(stat[11]) + Number(stat[12])) / 100,
  };
}

const started = process.hrtime.bigint();
const samples: { readonly answered: number; readonly rss: number }[] = [];
let last = { rss: 0, seconds: 0 };
const BATCH = 500;
for (let i = 0; i < requests; i += BATCH) {
  let text = "";
  for (let j = i; j < Math.min(i + BATCH, requests); j++) text += requestLine(j);
  if (!child.stdin.write(text)) await once(child.stdin, "drain");
  if (i % 50_000 === 0 && i > 0) {
    last = readings();
    samples.push({ answered: answers, rss: last.rss });
  }
}
const wait = once(child, "exit");
child.stdin.end();
await Promise.all([wait, once(child.stdout, "end")]);
const wall = Number(process.hrtime.bigint() - started) / 1e9;

const perSecond = samples.length === 0 ? answers / wall : samples.at(-1)!.answered / last.seconds;
const half = samples.slice(Math.floor(samples.length / 2)).map((sample) => sample.rss);
const early = samples.slice(0, Math.floor(samples.length / 2)).map((sample) => sample.rss);
const most = (list: readonly number[]): string => (list.length === 0 ? "-" : Math.max(...list).toFixed(0));
console.log(
  `jsonl: ${answers} of ${requests} requests answered in ${wall.toFixed(1)} s; ${Math.round(perSecond)} per second of processor time (bar ${BAR}), ${Math.round(answers / wall)} per second of wall time; ${Math.round(outputBytes / answers)} B per result`,
);
console.log(`memory: at most ${most(early)} MiB in the first half, ${most(half)} MiB in the second`);
if (answers !== requests || errors > 0 || child.exitCode !== 0) {
  console.error(`wrong: ${answers} answers, ${errors} chunks with errors, exit code ${child.exitCode}`);
  process.exitCode = 1;
}
if (perSecond < BAR / 2) process.exitCode = 1;
