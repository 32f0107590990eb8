import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { forEachTensor, tensorElements } from "../../src/architecture/parameters.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { parseJson } from "../../src/sources/json/parse-json.ts";
import { formatCount } from "../../src/units.ts";
import vectors from "../vectors/parameters-published-towers.json" with { type: "json" };

interface Row {
  readonly id: string;
  readonly published: number;
  readonly surplus?: readonly { readonly what: string; readonly elements: number | null }[];
  readonly config: Readonly<Record<string, unknown>>;
}
const rows = vectors.rows as unknown as readonly Row[];

const titleOf = ({ id, published, surplus = [] }: Row): string =>
  `${id}: ${formatCount(published)}${surplus.map((s) => `, with ${s.what}`).join("")}`;

describe("a published total is the architecture's count plus what the file holds besides", () => {
  test.for(rows.map((row) => ({ row, title: titleOf(row) })))("$title", ({ row }) => {
    const { parameters } = readArchitecture(row.config, row.id);
    const surplus = (row.surplus ?? []).reduce((sum, s) => sum + (s.elements ?? parameters.mtp), 0);
    expect(parameters.stored + surplus).toBe(row.published);
  });
});

const shared = fileURLToPath(new URL("../../../shared/configs/", import.meta.url));
const present = existsSync(shared);

/** Published totals of models whose config file is beside the project, as prediction layers and head copies explain them. */
const WITH_FILES: readonly {
  readonly id: string;
  readonly published: number;
  readonly mtp?: true;
  readonly surplus?: number;
  readonly why?: string;
}[] = [
  { id: "OpenGVLab/InternVL2-4B", published: 4_146_855_936 },
  { id: "openbmb/MiniCPM-V-4", published: 4_059_533_040 },
  { id: "Qwen/Qwen2-Audio-7B-Instruct", published: 8_397_094_912 },
  { id: "Qwen/Qwen3.5-27B", published: 27_781_427_952, mtp: true },
  { id: "Qwen/Qwen3.6-35B-A3B", published: 35_951_822_704, mtp: true },
  {
    id: "google/gemma-4-26B-A4B",
    published: 26_544_131_376,
    surplus: 262_144 * 2816 - 2334,
    why: "the tied head counted again, buffers not",
  },
  {
    id: "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-FP8",
    published: 123_611_012_096,
    mtp: true,
    // Router biases are not in the total: 40 blocks and the prediction layer, 512 each.
    surplus: -512 - 20_480,
    why: "router biases not counted",
  },
];

describe.skipIf(!present)(
  "published totals of configs beside the project (skipped: no config folder beside the project)",
  () => {
    test.for(WITH_FILES)("$id: $published $why", ({ id, published, mtp, surplus = 0 }) => {
      const file = `${shared}${id.replace("/", "__")}.json`;
      const { parameters } = readArchitecture(parseJson(readFileSync(file, "utf8"), file), file);
      expect(parameters.stored + (mtp === true ? parameters.mtp : 0) + surplus).toBe(published);
    });

    test("Kimi-K3's index states 1,560,860,324,864 bytes: MXFP4 experts, bf16, and fp32 for convolutions and gates", () => {
      const file = `${shared}moonshotai__Kimi-K3.json`;
      const model = readArchitecture(parseJson(readFileSync(file, "utf8"), file), file);
      let bytes = 0;
      forEachTensor(model, (tensor, layers) => {
        const elements = layers * tensor.copies * tensorElements(tensor);
        const wide =
          /conv1d|dt_bias|A_log|e_score_correction_bias/.test(tensor.name) && tensor.group !== "vision";
        // Half a byte and a scale byte per 32 elements.
        bytes += tensor.kind === "expert" ? (elements * 17) / 32 : elements * (wide ? 4 : 2);
      });
      // 26,496 B = 69 * 96 * 4 are left over: one more fp32 number per head of the 69 delta layers. Not explained.
      expect(1_560_860_324_864 - bytes).toBe(26_496);
    });
  },
);
