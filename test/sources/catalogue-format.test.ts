import { expect, test } from "vitest";
import { invoke } from "../cli/invoke.ts";

async function terms(args: string): Promise<unknown> {
  const { code, stdout, stderr } = await invoke(`${args} --json`);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout).devices;
}

test.each([
  ["qwen3-8b:Q4_K_M", "qwen3-8b --dtype q4_k_m"],
  ["qwen3:8b-q4_K_M", "qwen3-8b --dtype q4_k_m"],
  ["llama-3.1-8b-q8_0", "llama-3.1-8b --dtype q8_0"],
  ["gemma3:27b-it-q4_K_M", "gemma-3-27b --dtype q4_k_m"],
  ["qwen3-8b:f16", "qwen3-8b --dtype fp16"],
  ["qwen3-8b:Q4_K_M --dtype bf16", "qwen3-8b --dtype bf16"],
])("%s is sized as %s", async (named, flagged) => {
  const [read, expected] = [await terms(named), await terms(flagged)];
  expect(read).toBeDefined();
  expect(read).toEqual(expected);
});

test("a format that is none is refused, by the whole name", async () => {
  const { code, stderr } = await invoke("qwen3-8b:q9_z");
  expect(code).toBe(2);
  expect(stderr).toContain('"qwen3-8b:q9_z"');
});
