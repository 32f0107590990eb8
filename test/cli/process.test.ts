/** The program as a process: what a shell sees of it when its outputs fail. */
import { spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { bundledBin } from "./bundled-bin.ts";

const bin = bundledBin();

type Output = "pipe" | "ignore" | number;

function run(args: readonly string[], stdio: { readonly stdout?: Output; readonly stderr?: Output } = {}) {
  const { stdout = "pipe", stderr = "pipe" } = stdio;
  return spawnSync(process.execPath, [bin, ...args], { encoding: "utf8", stdio: ["ignore", stdout, stderr] });
}

describe("an output that fails", () => {
  const full = "/dev/full";
  const there = existsSync(full);

  test.skipIf(!there)("a full disk under the answer is told, with the code of a source not reached", () => {
    const disk = openSync(full, "w");
    const told = run(["14B"], { stdout: disk });
    closeSync(disk);
    expect([told.status, told.stderr]).toEqual([
      3,
      "vram-calc: standard output: it cannot be written (ENOSPC); give it a place with room.\n",
    ]);
  });

  test.skipIf(!there).for([
    ["a bad request", ["nonsense-7"], 2],
    ["over budget", ["14B", "--budget", "1GB"], 1],
    ["fits", ["14B", "--budget", "1TB"], 0],
  ] as const)("a full disk under the complaints changes no exit code: %s", ([, args, code]) => {
    const disk = openSync(full, "w");
    const status = run(args, { stderr: disk, stdout: "ignore" }).status;
    closeSync(disk);
    expect(status).toBe(code);
  });

  /** The exit code of a run whose reader leaves before the first byte. */
  const unread = (args: readonly string[], stdin = ""): Promise<number | null> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [bin, ...args], { stdio: ["pipe", "pipe", "ignore"] });
      child.stdout.destroy();
      child.stdin.on("error", () => {});
      child.stdin.write(stdin);
      // A stream of requests does not end; everything else reads none.
      if (stdin === "") child.stdin.end();
      child.on("error", reject);
      child.on("exit", (code) => resolve(code));
    });

  test.for([
    ["over budget", ["14B", "--budget", "1GB"], 1],
    ["fits", ["14B", "--budget", "1TB"], 0],
    ["help", ["--help"], 0],
  ] as const)("a reader that left changes no exit code: %s", async ([, args, code]) => {
    expect(await unread(args)).toBe(code);
  });

  test("a stream of requests ends when nobody reads the answers, although more would come", async () => {
    expect(await unread(["jsonl"], '{"model":"14B"}\n'.repeat(10))).toBe(0);
    expect(await unread(["jsonl"], '{"model":"nonsense-7"}\n'.repeat(10))).toBe(2);
  });
});
