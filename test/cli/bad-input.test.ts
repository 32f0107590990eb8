import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { invoke } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "vram-calc-bad-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const LLAMA = {
  model_type: "llama",
  hidden_size: 64,
  num_hidden_layers: 2,
  vocab_size: 320,
  num_attention_heads: 4,
  intermediate_size: 128,
};
const files: Readonly<Record<string, string>> = {
  "truncated.json": '{\n  "model_type": "llama",\n',
  "typo.json": '{\n  "model_type": "llama"\n  "hidden_size": 4\n}',
  "list.json": "[]",
  "empty.json": "",
  "empty.gguf": "",
  "no-type.json": "{}",
  "unet.json": JSON.stringify({ _class_name: "UNet2DConditionModel", in_channels: 4 }),
  "missing.json": JSON.stringify({ ...LLAMA, hidden_size: undefined }),
  "text.json": JSON.stringify({ ...LLAMA, hidden_size: "64" }),
  "negative.json": JSON.stringify({ ...LLAMA, num_hidden_layers: -2 }),
  "absurd.json": JSON.stringify({ ...LLAMA, num_hidden_layers: 1e30 }),
  "fraction.json": JSON.stringify({ ...LLAMA, num_attention_heads: 2.5 }),
  "unknown.json": JSON.stringify({ ...LLAMA, model_type: "lama" }),
  "huge.json": JSON.stringify({ ...LLAMA, hidden_size: 2 ** 31, intermediate_size: 2 ** 31 }),
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
mkdirSync(join(folder, "no-config"));
mkdirSync(join(folder, "pipeline"));
writeFileSync(join(folder, "pipeline/model_index.json"), '{"_class_name":"StableDiffusionPipeline"}');

/** Command line (@ is the folder of the files above) and what the one sentence must hold. */
const CASES: readonly (readonly [string, RegExp])[] = [
  ["14", /add the unit: 14B/],
  ["-3B", /not negative/],
  ["NaN", /unknown model "NaN"/],
  ["8x7B", /46\.7B.*mixtral-8x7b/],
  ["1e300B", /2\^53/],
  ["qwen2.5-14", /did you mean qwen2\.5-14b/],
  ["formts", /did you mean formats/],
  ['""', /unknown model ""/],
  ["14B extra", /too many arguments: 2 words, expected one model; vram-calc compare takes several\./],
  ["Llama 3.1 8B --dtype fp16", /3 words, expected one model; did you mean llama-3\.1-8b\?/],
  ["qwen3-32b --ctx 32k", /unknown option '--ctx': here it is --context\./],
  ["qwen3-32b --quant q4_k_m", /here it is --dtype\./],
  ["train llama-3.1-8b --method lora --lora-rank 8", /here it is --lora-r\./],
  ["14B --engine vllm --set block-size=0", /block-size got "0", expected a whole number from 1/],
  ["llama-3.1-8b --context 1000000000000 --batch 1000000000", /expected less than 2\^53 on a device/],
  ["plot gelu --gpu h100", /--gpu got a curve to plot/],
  ["plot gelu --x batch", /--x got a curve to plot/],
  ["plot memory llama-3.1-8b --range 0:1", /--range got memory to plot/],
  ["plot list --json", /--json got a list of names/],
  ["14B --dtype fp17", /unknown .*format "fp17".*did you mean/],
  ["14B --dtype bf61", /did you mean .*bf16/],
  ["14B --kv-dtype q8_0/q8_0/q8_0", /unknown KV cache format/],
  ["14B --kv-dtype nonsense", /unknown/],
  ["14B --gpu rtx-409", /did you mean rtx-4090/],
  ["14B --budget lots", /24GB \(10\^9\), 24GiB \(2\^30\)/],
  ["14B --gpu h100 --budget 24GB", /cannot be used with/],
  ["14B --weights-only --context 4k", /cannot be used with/],
  ["14B --field total.bytes --explain", /cannot be used with/],
  ["14B --budget 24", /add the unit: 24GB/],
  ["--json", /\[model\] got nothing, expected what is to be sized: a count/],
  ["train llama-3.1-8b --context 4k", /unknown option '--context': here it is --seq\./],
  ["train llama-3.1-8b --gradient-checkpointing", /here it is --checkpointing full\./],
  ["llama-3.1-8b --seq 4k", /unknown option '--seq': here it is --context\./],
  ["14B --budget 24,5GB", /write 24\.5GB: a comma groups thousands/],
  ['14B --gpu ""', /--gpu got nothing, expected a GPU such as rtx-4090, h100 or 2xrtx-4090/],
  ["trian llama-3.1-8b", /no command "trian"; did you mean train\?/],
  ["tran --method lora llama-3.1-8b", /did you mean train\?/],
  ["14B --contxt 4k", /Did you mean --context/],
  ["14B --context 0", /starts at 1 token/],
  ["14B --context 1.3", /whole number/],
  ["14B --batch 1.5", /whole number from 1/],
  ["14B --units TB", /GB, GiB, both/],
  ["@/truncated.json", /truncated\.json, line 3, column 1: found the end of the file/],
  ["@/typo.json", /typo\.json, line 3, column 3/],
  ["@/list.json", /an object of settings/],
  ["@/empty.json", /empty file/],
  ["@/empty.gguf", /found an empty file, expected "GGUF"/],
  ["@/no-type.json", /neither model_type nor architectures/],
  ["@/unet.json", /it is UNet2DConditionModel, a part of a diffusion pipeline/],
  ["@/pipeline", /a diffusion pipeline, which is not sized; its text encoder is: .*text_encoder/],
  ["14B --dtype 4bit", /did you mean nf4, awq or q4_k_m\?/],
  ["@/missing.json", /"hidden_size" is missing/],
  ["@/text.json", /"hidden_size" is "64", expected a whole number/],
  ["@/negative.json", /"num_hidden_layers" is -2/],
  ["@/absurd.json", /"num_hidden_layers" is 1e\+30/],
  ["@/fraction.json", /"num_attention_heads" is 2\.5/],
  ["@/unknown.json", /model type "lama".*nearest known: llama.*--assume-family/],
  ["@/huge.json", /2\^53 parameters/],
  ["@/unknown.json --assume-family lllama", /unknown family "lllama": did you mean llama/],
  ["@/no-config", /no-config.*config\.json/],
  ["@/absent.json", /absent\.json.*no such file/],
  ["inspect @/truncated.json", /line 3, column 1/],
  ["gpus --nope", /unknown option/],
  ["14B --gpu 2xh100+1xrtx-4090", /different cards in "2xh100\+1xrtx-4090"/],
  ["14B --set nglx=3", /unknown flag in --set "nglx": did you mean ngl\?/],
  ["14B --set np=4", /--set got "np", expected --batch 4/],
  ["14B --set ctk=q8_0", /expected --kv-dtype keys\/values/],
  ["14B --set ngl=3 --engine vllm", /--set got ngl for vllm, expected --engine llama\.cpp with it/],
  ["14B --set ngl", /--set ngl got no value, expected a whole number, all or auto: ngl=20/],
  ["14B --set ts=a/b", /--set ts got "a\/b", expected a share for each GPU.*tensor-split=3\/1/],
  ["14B --set fa=maybe", /expected on, off or auto: fa=off/],
  ["14B --set gpu-memory-utilization=95", /a share above 0, at most 1/],
  ["14B -ngl 20", /unknown option '-ngl': here it is --set ngl=20/],
  ["14B --mem-fraction-static 0.9", /'--mem-fraction-static': here it is --set mem-fraction-static=0\.9\./],
  ["14B --page-size=much", /'--page-size': here it is --set page-size=64/],
  ["14B --disable-cuda-graph --gpu h100", /here it is --set disable-cuda-graph\./],
  ["14B --max-model-len=8192", /'--max-model-len': here it is --context/],
  ["14B --images two", /^vram-calc: --images got "two", expected a number from 1/],
];

/** More of the kind, on every command: the sentence is whatever says it. */
const ALSO_WRONG: readonly string[] = [
  "train",
  "train 14B --method half",
  "train 14B --optimizer adamm",
  "train 14B --lora-r 0",
  "train 14B --lora-targets ,",
  "train 14B --lora-targets re:[",
  "train 14B --lora-dropout 1",
  "train 14B --checkpointing every=0",
  "train 14B --checkpointing nth=x",
  "train 14B --lengths 512",
  "train 14B --seq 0",
  "train 14B --seq 1e99",
  "train 14B --dp 0",
  "train 14B --dp 1000001",
  "train 14B --dp 4 --gpu h100,h100",
  "train 14B --tp 3 --gpu 2xh100",
  "train 14B --pp 999",
  "train 14B --ep 7",
  "train 14B --sharding zero9",
  "train 14B --field totals.x",
  "train 14B --budget 0",
  "train bert-base --loss dpo",
  "train 14B extra",
  "train 14B --units TiB",
  "train -",
  "fit",
  "fit 14B",
  "fit 14B --gpu h100 --solve speed",
  "fit 14B --gpu h100 --solve seq",
  "fit 14B --gpu h100 --train --solve context",
  "fit 14B --gpu h100 --seq 4k",
  "fit 14B --gpu h100 --train --context 4k",
  "fit 14B --gpu h100 --gpus 0",
  "fit 14B --gpu 2xh100 --gpus 3",
  "fit 14B --gpu h100 --gpus 99999999",
  "fit 14B --gpu h100 --train --gpus 6 --tp 4 --solve seq",
  "fit 14B --gpu h100 --engine vlm",
  "fit 14B --gpu h100 --explain --field fits",
  "fit 14B --budget -1GB",
  "fit 14B --budget 0 --solve context",
  "fit 14B --gpu h100 --draft nope",
  "fit 14B --gpu h100 --set ngl=-1 --engine llama.cpp",
  "fit 14B --gpu h100 --engine llama.cpp --ep 2",
  "compare",
  "compare 14B nope",
  "compare 14B --dtype fp16,",
  "compare 14B --dtype fp16,fp99",
  "compare 14B --context 4k,x",
  "compare 14B --context 0",
  "compare 14B --units both",
  "compare 14B --engine vllm@",
  "compare 14B --field rows.5",
  "compare 14B --field rows.0.modl",
  "compare 14B --tp 0",
  "compare 14B --tp 7 --engine vllm",
  "compare 14B --images 2",
  "inspect",
  "inspect nope",
  "inspect 14B --lora r=0",
  "inspect 14B --lora n=2",
  "inspect 14B --lora r=8,targets=zzz",
  "inspect 14B --lora r=8,x=1",
  "inspect 14B --field modl",
  "plot",
  "plot memory",
  "plot memory 14B 7B",
  "plot nosuch",
  "plot gelu --x rank",
  "plot gelu --range 5",
  "plot gelu --range 5:1",
  "plot gelu --range a:b",
  "plot gelu --dtype q4_k",
  "plot gelu --dtype nope",
  "plot gelu -o x.png",
  "plot gelu -o /nonexistent/x.svg",
  "plot memory 14B --x seq --context 4k",
  "plot memory 14B --x context --seq 4k",
  "plot memory 14B --x banana",
  "plot gelu --field series.9",
  "plot cross-entropy --range -2:-1",
  "plot memory nope",
  "formats nope",
  "formats fp16 abc",
  "formats fp8 1e9 --overflow wrap",
  "formats fp16 0xfffff",
  "formats fp16 1e9999",
  "formats fp16 --nope",
  "gpus --field gpus.999",
  "gpus nosuchcard --field gpus.0",
  "gpus --nope",
  "check /nope.yaml",
  "check --max-growth 5%",
  "check --max-growth x --baseline y",
  "check --report pdf",
  "check --json --report json",
  "check --init --json",
  "jsonl extra",
  "jsonl --nope",
  "completion",
  "completion tcsh",
  "help nope",
  "--jsonl 14B",
  "--nope",
  "14B --lengths 0",
  "14B --lengths ,",
  "14B --lengths 5 --batch 2",
  "14B --mmproj /nope",
  "14B --kv-dtype q4_0/q4_0/x",
  "14B --tp 4 --gpu 2xh100",
  "14B --tp 1000000",
  "14B --tp 99999999999999999999",
  "14B --gpu 0xh100",
  "14B --gpu ,",
  "14B --gpu 70000xh100",
  "14B --set =",
  "14B --set gpu-memory-utilization=2 --engine vllm",
  "14B --set ngl=3 --engine vllm",
  "14B --lora r=70000",
  "14B --mtp",
  "14B --images 1@0x0",
  "14B --attention none",
  "14B --batch 99999999999999",
  "org/name/extra",
  "a/b@",
];

describe("bad input ends with exit 2 and one sentence on stderr", () => {
  test.for(CASES)("vram-calc %s says %s", async ([line, sentence]) => {
    const run = await invoke(line.replaceAll("@", folder));
    expect(run.stderr).toMatch(sentence);
    expect(run.stderr).toMatch(/^vram-calc: [^\n]+\n$/);
    expect(run.stderr).not.toMatch(/\bat .*:\d+:\d+|Error:/);
    expect(run.stdout).toBe("");
    expect(run.code).toBe(2);
  });

  test.for(ALSO_WRONG.map((line) => [line] as const))("vram-calc %s", async ([line]) => {
    const run = await invoke(line, { env: { HF_HUB_OFFLINE: "1" }, cwd: folder });
    expect(run.stderr).toMatch(/^vram-calc: [^\n]+\n$/);
    expect(run.stderr).not.toMatch(/undefined|NaN|\[object|Error:|\bat .*:\d+:\d+/);
    expect([run.code, run.stdout]).toEqual([2, ""]);
  });

  test("a config on standard input is named so", async () => {
    const run = await invoke("-", { stdin: '{"model_type":' });
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(/^vram-calc: standard input, line 1, column 15/);
  });

  test("no argument at all prints the help on stderr", async () => {
    const run = await invoke("");
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toMatch(/^Usage: vram-calc/);
  });
});
