import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VramCalcError } from "../../src/errors.ts";
import { type ProbeOptions, probeDevices } from "../../src/sources/device-probe.ts";
import { timeLimit } from "../time-limit.ts";

const MiB = 2 ** 20;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "vram-calc-probe-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A program in the PATH folder, written in sh. */
async function standIn(name: string, script: string, into = folder): Promise<void> {
  const file = join(into, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
}

const probe = (options: ProbeOptions = {}) => probeDevices({ env: { PATH: folder }, ...options });
const refusal = async (options: ProbeOptions = {}): Promise<string> => {
  const error = await probe(options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(VramCalcError);
  expect((error as VramCalcError).code).toBe("source-unavailable");
  expect((error as VramCalcError).exitCode).toBe(3);
  return (error as VramCalcError).message;
};

// The stand-ins are shell scripts, which Windows does not run.
describe.skipIf(process.platform === "win32")(
  "probeDevices (skipped on Windows: stand-ins are shell scripts)",
  () => {
    test("asks nvidia-smi for name, total and free in MiB", async () => {
      await standIn(
        "nvidia-smi",
        `[ "$1 $2" = "--query-gpu=name,memory.total,memory.free --format=csv,noheader,nounits" ] || exit 9
echo "NVIDIA GeForce RTX 4090, 24564, 23028"
echo "NVIDIA H100 80GB HBM3, 81559, 81079"`,
      );
      expect(await probe()).toEqual([
        {
          name: "NVIDIA GeForce RTX 4090",
          tool: "nvidia-smi",
          totalBytes: 24564 * MiB,
          freeBytes: 23028 * MiB,
        },
        {
          name: "NVIDIA H100 80GB HBM3",
          tool: "nvidia-smi",
          totalBytes: 81559 * MiB,
          freeBytes: 81079 * MiB,
        },
      ]);
    });

    test("asks rocm-smi for total and used bytes, past the warnings that it prints first", async () => {
      await standIn(
        "rocm-smi",
        `echo "WARNING: AMD GPU device(s) is/are in a low-power state."
echo '{"card0": {"Card Series": "Radeon RX 7900 XTX", "VRAM Total Memory (B)": "25753026560", "VRAM Total Used Memory (B)": "27553792"}, "system": {"Driver version": "6.8"}}'`,
      );
      expect(await probe()).toEqual([
        { name: "Radeon RX 7900 XTX", tool: "rocm-smi", totalBytes: 25753026560, freeBytes: 25725472768 },
      ]);
    });

    test("a card without a name is called by its key", async () => {
      await standIn(
        "rocm-smi",
        `echo '{"card3": {"VRAM Total Memory (B)": 100, "VRAM Total Used Memory (B)": 1}}'`,
      );
      expect(await probe()).toEqual([{ name: "card3", tool: "rocm-smi", totalBytes: 100, freeBytes: 99 }]);
    });

    test("falls back to rocm-smi when nvidia-smi fails", async () => {
      await standIn("nvidia-smi", "exit 9");
      await standIn(
        "rocm-smi",
        `echo '{"card0": {"VRAM Total Memory (B)": "100", "VRAM Total Used Memory (B)": "0"}}'`,
      );
      expect((await probe())[0]?.tool).toBe("rocm-smi");
    });

    test("takes the first folder of PATH that has it, and skips what is not a program", async () => {
      const [first, second, third] = ["1", "2", "3"].map((name) => join(folder, name));
      await Promise.all([mkdir(first!), mkdir(second!), mkdir(third!)]);
      await mkdir(join(first!, "nvidia-smi"));
      await standIn("nvidia-smi", 'echo "A, 10, 10"', second);
      await standIn("nvidia-smi", 'echo "B, 10, 10"', third);
      expect((await probe({ env: { PATH: [first, second, third].join(delimiter) } }))[0]?.name).toBe("A");
    });

    test("neither tool: says so and what to type", async () => {
      expect(await refusal()).toBe(
        "local GPU: neither nvidia-smi nor rocm-smi is on PATH; name the card (--gpu rtx-4090) or its size (--budget 24GiB).",
      );
      await refusal({ env: {} });
    });

    test("an empty PATH entry does not mean the current folder", async () => {
      const before = process.cwd;
      process.cwd = () => folder;
      try {
        await standIn("nvidia-smi", 'echo "A, 10, 10"');
        expect(await refusal({ env: { PATH: delimiter } })).toContain("neither");
      } finally {
        process.cwd = before;
      }
    });

    test.for([
      [
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
        `echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."; exit 9`,
      ],
      ["exit code 9", "exit 9"],
      ["nvidia-smi lists no device", "true"],
      ['printed "what, is, this" where name, total and free were expected', 'echo "what, is, this"'],
      ["no memory of its own", 'echo "NVIDIA GB10, [N/A], [N/A]"'],
      ["of 10485760 bytes free", 'echo "A, 10, 11"'],
      ["of 0 bytes free", 'echo "A, 0, 0"'],
      ["lists 1025 devices", 'i=0; while [ $i -lt 1025 ]; do echo "A, 10, 10"; i=$((i+1)); done'],
      ["more than 1048576 bytes", "exec head -c 3000000 /dev/zero"],
    ])("nvidia-smi: %s", async ([said, script]) => {
      // The stand-ins use programs of the system, which must be on their PATH.
      await standIn("nvidia-smi", `PATH=/usr/bin:/bin\n${script}`);
      expect(await refusal()).toContain(said);
    });

    test.for([
      ["printed no JSON", "echo none"],
      ["printed no JSON", "echo '{'"],
      ["lists no device", "echo '{}'"],
      ["gives no VRAM total and used for card0", `echo '{"card0": {}}'`],
      ["gives no VRAM total and used for card0", `echo '{"card0": null}'`],
      [
        "gives no VRAM total and used for card0",
        `echo '{"card0": {"VRAM Total Memory (B)": "1e9", "VRAM Total Used Memory (B)": "0"}}'`,
      ],
      ["bytes free", `echo '{"card0": {"VRAM Total Memory (B)": "1", "VRAM Total Used Memory (B)": "2"}}'`],
    ])("rocm-smi: %s: %s", async ([said, script]) => {
      await standIn("rocm-smi", script!);
      expect(await refusal()).toContain(said);
    });

    test("one that hangs is ended when its time is up", async () => {
      await standIn("nvidia-smi", "PATH=/usr/bin:/bin\nexec sleep 30");
      const start = Date.now();
      expect(await refusal({ timeoutMs: 200 })).toContain("gave no answer within 0.2 s");
      expect(Date.now() - start).toBeLessThan(timeLimit(10_000));
    });
  },
);
