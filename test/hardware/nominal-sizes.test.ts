import { SKUS } from "@huggingface/tasks";
import { describe, expect, test } from "vitest";
import type { Accelerator } from "../../src/hardware/accelerator.ts";
import { accelerators } from "../../src/hardware/accelerators.ts";
import { acceleratorByName } from "../../src/hardware/lookup.ts";
import { GiB } from "../../src/units.ts";

/** Every GPU of the package with each of its sizes: "RTX 4090 24GB". */
const THEIRS = [SKUS.GPU.NVIDIA, SKUS.GPU.AMD, SKUS.GPU.INTEL, SKUS["Apple Silicon"]["-"]].flatMap((skus) =>
  Object.entries(skus).flatMap(([name, sku]) =>
    "memory" in sku ? sku.memory.map((gb: number) => ({ name, gb, label: `${name} ${gb}GB` })) : [],
  ),
);

/** Their spelling -> our id, where our lookup does not read it. */
const SPELLED: Readonly<Record<string, string>> = {
  "RTX A5000 Max-Q 16GB": "rtx-a5000-laptop",
  "RTX A4000 Max-Q 8GB": "rtx-a4000-laptop",
  "RTX A2000 Max-Q 4GB": "rtx-a2000-laptop-4gb",
  "RTX A2000 Max-Q 8GB": "rtx-a2000-laptop-8gb",
};

/** Sizes of theirs that we do not list, or list otherwise, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "B200 192GB": "NVIDIA's data sheet says 180 GB and nvidia-smi 183359 MiB",
  "RTX A5000 8GB": "the desktop card has 24 GB only",
  "RTX A5000 12GB": "the desktop card has 24 GB only",
  "RTX A2000 Embedded 4GB": "an embedded module",
  "MI250 128GB": "one device is one of two dies with 64 GB",
  "RX 7600 XT 8GB": "the XT has 16 GB, the RX 7600 has 8",
  "Radeon Pro VII 32GB": "sold with 16 GB",
  "Arc B60 48GB": "two devices with 24 GB on one board",
  "Apple MacBook Neo 8GB": "a computer and not a chip",
  "Apple M1 Pro 24GB": "sold with 16 and 32",
  "Apple M1 Max 16GB": "sold with 32 and 64",
  "Apple M1 Max 24GB": "sold with 32 and 64",
  "Apple M1 Ultra 16GB": "sold with 64 and 128",
  "Apple M1 Ultra 24GB": "sold with 64 and 128",
  "Apple M1 Ultra 32GB": "sold with 64 and 128",
  "Apple M1 Ultra 96GB": "sold with 64 and 128",
  "Apple M2 Pro 24GB": "sold with 16 and 32",
  "Apple M2 Ultra 96GB": "sold with 64, 128 and 192",
  "Apple M5 Pro 36GB": "no specification found",
  "Apple M5 Ultra 96GB": "no specification found",
  "Apple M5 Ultra 256GB": "no specification found",
};
/** Graphics inside AMD processors use system memory: their sizes are those of the computer. */
const isInsideProcessor = (name: string): boolean => /^Radeon \d+M$/.test(name);

/** What the package lacks: a list, so that a row that nobody else vouches for is a decision. */
const OURS_ALONE = [
  "k80 m40-12gb m40-24gb p4 p100-12gb a10g a16 a100-40gb-pcie a100-80gb-pcie h100-80gb-pcie h100-nvl",
  "h20-141gb h200-nvl gh200-96gb gh200-144gb b200 gb200 gb300 quadro-p4000 quadro-p5000 quadro-gv100",
  "quadro-rtx-4000 quadro-rtx-5000 quadro-rtx-6000 quadro-rtx-8000 rtx-a400 rtx-a4500 rtx-a5500",
  "rtx-pro-6000-server titan-xp titan-v gtx-1650 gtx-1660-super gtx-1660-ti rtx-2060-super",
  "rtx-2080-super rtx-3050-6gb rtx-3050-8gb rtx-4090-48gb rtx-2070-laptop rtx-3050-ti-laptop",
  "rtx-3070-laptop rtx-3080-ti-laptop jetson-agx-thor mi25 mi250 mi250x mi300a mi308x mi325x mi350x",
  "mi355x rx-vega-56 rx-vega-64 radeon-vii rx-6750-xt rx-6800-xt rx-6900-xt rx-7600 radeon-pro-w6800",
  "radeon-pro-w7700 arc-a580 flex-170 max-1100 max-1550 gaudi-2 gaudi-3",
].flatMap((line) => line.split(" "));

const ours = (label: string): Accelerator | undefined => {
  try {
    return acceleratorByName(SPELLED[label] ?? label);
  } catch {
    return undefined;
  }
};

describe("nominal sizes against the SKUs of @huggingface/tasks", () => {
  const compared = THEIRS.filter(({ name }) => !isInsideProcessor(name));

  test("cover at least 150 sizes", () => {
    expect(compared.length).toBeGreaterThanOrEqual(150);
  });

  test.for(compared.filter(({ label }) => !(label in DIFFERENT)))("$label", ({ label, gb }) => {
    expect(ours(label)?.nominalBytes).toBe(gb * GiB);
  });

  test("every difference is still one", () => {
    const labels = new Set(compared.map(({ label }) => label));
    expect(Object.keys(DIFFERENT).filter((label) => !labels.has(label))).toEqual([]);
    const agreed = compared.filter(
      ({ label, gb }) => label in DIFFERENT && ours(label)?.nominalBytes === gb * GiB,
    );
    expect(agreed.map(({ label }) => label)).toEqual([]);
  });

  test("beside the TPUs, the rows that the package lacks are the listed ones", () => {
    const met = new Set(compared.map(({ label }) => ours(label)?.id));
    const alone = accelerators().filter((a) => a.vendor !== "google" && !met.has(a.id));
    expect(alone.map((a) => a.id)).toEqual(OURS_ALONE);
  });
});
