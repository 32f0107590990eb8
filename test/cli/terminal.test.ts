/** What people see, at three widths, plain and in colour: kept as text, reviewed as a diff. */
import { describe, expect, test } from "vitest";
import { invoke } from "./invoke.ts";

const COMMANDS: readonly (readonly [name: string, line: string])[] = [
  ["count", "14B --dtype fp16"],
  ["over", "qwen2.5-14b --context 32k --gpu rtx-4090"],
  ["engine", "llama-3.1-8b --engine vllm --gpu 2xh100 --context 8k --explain"],
  ["train", "train llama-3.1-8b --method lora --seq 2k --gpu rtx-4090"],
  ["fit", "fit llama-3.1-8b --gpu rtx-4090"],
  ["compare", "compare llama-3.1-8b qwen3-14b --dtype bf16,q4_k_m --gpu rtx-4090"],
  ["inspect", "inspect qwen3-30b-a3b"],
  ["formats", "formats"],
  ["gpus", "gpus rtx 40"],
  ["plot", "plot silu --dtype fp8"],
  ["plot-memory", "plot memory qwen2.5-7b --gpu rtx-4090"],
  ["inspect-lora", "inspect qwen3-0.6b --lora r=32 --explain"],
  ["fit-explain", "fit llama-3.1-8b --gpu rtx-4090 --solve context --explain"],
  ["help", "compare --help"],
];
const ESCAPE = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

describe("terminal output", () => {
  for (const [name, line] of COMMANDS) {
    test.for([40, 80, 200])(`${name} at %i columns`, async (columns) => {
      const { stdout } = await invoke(line, { columns });
      await expect(stdout).toMatchFileSnapshot(`../golden/terminal/${name}-${columns}.txt`);
    });

    test(`${name} at 40 columns has no longer line but commands to type`, async () => {
      const { stdout } = await invoke(line, { columns: 40 });
      const long = stdout.split("\n").filter((text) => text.length > 40);
      expect(long.filter((text) => !/^ {2}\$ |^Usage: /.test(text))).toEqual([]);
    });

    test.skipIf(line.endsWith("--help"))(`${name} in colour is the same text`, async () => {
      const plain = await invoke(line, { columns: 80 });
      const coloured = await invoke(line, { columns: 80, stdoutIsTerminal: true });
      expect(coloured.stdout.replace(ESCAPE, "")).toBe(plain.stdout);
      expect(coloured.stdout).not.toBe(plain.stdout);
    });
  }
});
