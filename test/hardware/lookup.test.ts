import { describe, expect, test } from "vitest";
import { VramCalcError } from "../../src/errors.ts";
import { accelerators } from "../../src/hardware/accelerators.ts";
import { parseGpuSpec } from "../../src/hardware/gpu-spec.ts";
import {
  acceleratorByName,
  acceleratorKeys,
  devicesNamed,
  findAccelerators,
} from "../../src/hardware/lookup.ts";
import { fc } from "../properties.ts";

const failure = (run: () => unknown): VramCalcError => {
  try {
    run();
  } catch (error) {
    if (error instanceof VramCalcError) return error;
    throw error;
  }
  throw new Error("did not fail");
};

describe("acceleratorByName", () => {
  test("no two accelerators share a spelling", () => {
    const owners = new Map<string, string>();
    const shared: string[] = [];
    for (const accelerator of accelerators())
      for (const key of acceleratorKeys(accelerator)) {
        if (owners.has(key)) shared.push(`${key}: ${owners.get(key)} and ${accelerator.id}`);
        owners.set(key, accelerator.id);
      }
    expect(shared).toEqual([]);
  });

  test("finds every accelerator by its id, its name and each alias", () => {
    for (const accelerator of accelerators())
      for (const name of [accelerator.id, accelerator.name, ...accelerator.aliases])
        expect(acceleratorByName(name).id, name).toBe(accelerator.id);
  });

  test("the bare name of a device with several sizes means one of them", () => {
    for (const { id } of accelerators()) {
      const bare = /^(.+?)-\d+gb\b/.exec(id)?.[1];
      if (bare !== undefined) expect(acceleratorByName(bare).id.startsWith(bare), bare).toBe(true);
    }
  });

  test.for([
    // Case, spaces, dashes, makers and series
    ["RTX 4090", "rtx-4090"],
    ["rtx4090", "rtx-4090"],
    ["nvidia-rtx-4090", "rtx-4090"],
    ["NVIDIA GeForce RTX 4090", "rtx-4090"],
    ["4090", "rtx-4090"],
    ["4060 ti 16gb", "rtx-4060-ti-16gb"],
    ["a6000", "rtx-a6000"],
    ["6000 ada", "rtx-6000-ada"],
    ["7900xtx", "rx-7900-xtx"],
    ["AMD Radeon RX 7900 XTX", "rx-7900-xtx"],
    ["b580", "arc-b580"],
    ["Intel(R) Arc(TM) A770 Graphics", "arc-a770-16gb"],
    ["Apple M3 Max 64GB", "m3-max-64gb"],
    ["v5e", "tpu-v5e"],
    ["orin nx", "jetson-orin-nx-16gb"],
    ["rtx 5070 mobile", "rtx-5070-laptop"],
    // What nvidia-smi prints
    ["Tesla T4", "t4"],
    ["NVIDIA A100-SXM4-80GB", "a100-80gb-sxm"],
    ["NVIDIA A100 80GB PCIe", "a100-80gb-pcie"],
    ["NVIDIA H100 80GB HBM3", "h100-80gb-sxm"],
    ["NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "rtx-pro-6000"],
    ["NVIDIA GeForce RTX 4070 Laptop GPU", "rtx-4070-laptop"],
    // A size that agrees may be added
    ["rtx-4090-24gb", "rtx-4090"],
    ["l40s 48 GiB", "l40s"],
    ["h100 80g", "h100-80gb-sxm"],
    // Documented defaults
    ["h100", "h100-80gb-sxm"],
    ["a100", "a100-80gb-sxm"],
    ["a100-40gb", "a100-40gb-sxm"],
    ["v100", "v100-16gb"],
    ["rtx-3060", "rtx-3060-12gb"],
    ["rtx-3080", "rtx-3080-10gb"],
    ["rtx-4060-ti", "rtx-4060-ti-8gb"],
    ["rtx-5060-ti", "rtx-5060-ti-8gb"],
    ["m4 max", "m4-max-36gb"],
  ])("%s is %s", ([name, id]) => {
    expect(acceleratorByName(name!).id).toBe(id);
  });

  test.for([
    ["rtx 4091", "rtx-4090"],
    ["rtx-4090-25gb", "rtx-4090"],
    ["h10", "h100-nvl"],
    ["mi300z", "mi300a"],
  ])("%s is unknown, and %s is near", ([name, near]) => {
    const error = failure(() => acceleratorByName(name!));
    expect(error.code).toBe("unknown-name");
    expect(error.details).toMatchObject({ kind: "GPU", name });
    expect(error.details).toHaveProperty("nearest", expect.arrayContaining([near]));
  });

  test("answers any text with an accelerator or unknown-name", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), (name) => {
        try {
          return acceleratorByName(name).usableBytes > 0;
        } catch (error) {
          return error instanceof VramCalcError && error.code === "unknown-name";
        }
      }),
    );
    expect(failure(() => acceleratorByName("9".repeat(1e6))).code).toBe("unknown-name");
  });
});

describe("findAccelerators", () => {
  const ids = (query: string) => findAccelerators(query).map((a) => a.id);
  test("two digits are a series: 50 is 5050 to 5090, and neither 5000 nor A5000", () => {
    expect(ids("rtx 50")).toContain("rtx-5090");
    expect(ids("rtx 50").filter((id) => !/^rtx-50[5-9]0/.test(id))).toEqual([]);
    expect(ids("RTX 40").every((id) => /^rtx-40[5-9]0/.test(id))).toBe(true);
  });
  test("a word is the start of one, and else may stand anywhere", () => {
    expect(ids("h100").every((id) => id.startsWith("h100"))).toBe(true);
    expect(ids("090")).toContain("rtx-4090");
  });
  test.for([
    ["v100", ["v100-16gb", "v100-32gb"]],
    ["RTX 4060 Ti", ["rtx-4060-ti-8gb", "rtx-4060-ti-16gb"]],
    ["h100", []],
    ["rtx-4090", []],
    ["a10", []],
  ] as const)("%s stands for %j", ([name, found]) =>
    expect(devicesNamed(name).map(({ id }) => id)).toEqual(found),
  );
  test("an empty query lists them all", () => expect(findAccelerators("")).toBe(accelerators()));
  test("h100 lists its variants", () =>
    expect(ids("h100")).toEqual(["h100-80gb-pcie", "h100-80gb-sxm", "h100-nvl"]));
  test("words narrow: hopper 141", () => expect(ids("hopper 141")).toContain("h200"));
  test("a vendor is a word: google", () =>
    expect(ids("google").every((id) => id.startsWith("tpu-"))).toBe(true));
  test("RTX 4090 finds the laptop too", () => expect(ids("RTX 4090")).toContain("rtx-4090-laptop"));
  test("nothing matches zx81", () => expect(ids("zx81")).toEqual([]));
});

describe("parseGpuSpec", () => {
  test.for([
    ["rtx-4090", "1 rtx-4090"],
    ["2xrtx-4090", "2 rtx-4090"],
    ["8 x h100", "8 h100-80gb-sxm"],
    ["8 X H100", "8 h100-80gb-sxm"],
    ["4*a100-40gb", "4 a100-40gb-sxm"],
    ["2x4090", "2 rtx-4090"],
    ["h100,rtx-4090", "1 h100-80gb-sxm + 1 rtx-4090"],
    ["2x rtx-3090, 4090", "2 rtx-3090 + 1 rtx-4090"],
    ["65536xh100", "65536 h100-80gb-sxm"],
  ])("%s is %s", ([spec, read]) => {
    expect(
      parseGpuSpec(spec!)
        .map((g) => `${g.count} ${g.accelerator.id}`)
        .join(" + "),
    ).toBe(read);
  });

  test.for([
    ["", "bad-option"],
    ["h100,", "bad-option"],
    ["0xh100", "bad-option"],
    ["65537xh100", "bad-option"],
    ["99999999999999999999xh100", "bad-option"],
    [Array(65).fill("h100").join(), "bad-option"],
    ["2xrtx-4091", "unknown-name"],
    ["-2xh100", "unknown-name"],
    ["1.5xh100", "unknown-name"],
  ])("%s fails with %s", ([spec, code]) => {
    expect(failure(() => parseGpuSpec(spec!)).code).toBe(code);
  });
});
