/** Every published config under every engine, format and training method: whole bytes inside their band, or a refusal. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { catalogueNames, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import type { Architecture } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { VramCalcError } from "../../src/errors.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import type { EstimateOptions } from "../../src/estimate/estimate-options.ts";
import { train } from "../../src/estimate/train.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";
import type { Term } from "../../src/memory/term.ts";
import { storageFromConfig } from "../../src/quantization/storage-from-config.ts";
import { parseJson } from "../../src/sources/json/parse-json.ts";

const SERVE: readonly EstimateOptions[] = [
  {},
  { engine: "vllm" },
  { engine: "sglang" },
  { engine: "transformers" },
  { engine: "transformers@4.40" },
  { engine: "llama.cpp", dtype: "q4_k_m" },
  { tp: 2 },
  { tp: 2, pp: 2 },
  { engine: "vllm", tp: 2, pp: 2, card: { totalBytes: 80e9, generation: "hopper" } },
  { dtype: "nf4" },
  { dtype: "iq2_xs" },
  { dtype: "gptq-4bit-g128" },
  { dtype: "fp8-block", kvDtype: "fp8", batch: 3, contextTokens: 1000 },
  { lora: { rank: 16, count: 4, targets: "all-linear" } },
];
const TRAIN: readonly TrainRequest[] = [
  {},
  { method: "lora" },
  { method: "qlora", checkpointing: "full" },
  { method: "freeze", precision: "fp32" },
  { precision: "amp-bf16", attention: "eager", seqTokens: 100 },
  { parallel: { dp: 8, sharding: "zero3" }, framework: "deepspeed" },
  { parallel: { dp: 4, tp: 2, pp: 2, sharding: "fsdp2" }, checkpointing: "selective" },
];

/** What is wrong with a term; nothing for a sound one. */
const faults = (terms: readonly Term[]): string[] =>
  terms
    .filter(
      ({ bytes, low, high }) =>
        ![bytes, low, high].every((n) => Number.isSafeInteger(n) && n >= 0) || low > bytes || bytes > high,
    )
    .map(({ id, bytes, low, high }) => `${id}: ${low} <= ${bytes} <= ${high}`);

function check(model: Architecture, config: unknown): string[] {
  const found: string[] = [];
  const attempt = (what: string, termsOf: () => readonly Term[]): void => {
    try {
      for (const fault of faults(termsOf())) found.push(`${what} ${fault}`);
    } catch (error) {
      if (!(error instanceof VramCalcError)) throw error;
    }
  };
  const stored = storageFromConfig(config, "config.json");
  for (const options of SERVE)
    attempt(JSON.stringify(options), () =>
      estimate(
        model,
        stored === null || options.dtype !== undefined ? options : { ...options, stored },
      ).devices.flatMap((device) => device.terms),
    );
  for (const request of TRAIN)
    attempt(JSON.stringify(request), () =>
      train(model, request).devices.flatMap((device) => [
        ...device.terms,
        ...device.phases.flatMap((phase) => phase.terms),
      ]),
    );
  return found;
}

const folder = fileURLToPath(new URL("../../../shared/configs/", import.meta.url));
const present = existsSync(folder);
const files = present
  ? readdirSync(folder).filter((file) => file.endsWith(".json") && file !== "known_totals.json")
  : [];

describe("whole bytes inside their band", () => {
  test.for(catalogueNames().map((name) => [name, findCatalogueEntry(name)!.entry] as const))(
    "%s of the catalogue",
    ([, entry]) => expect(check(readArchitecture(entry.config, entry.name), entry.config)).toEqual([]),
  );

  test.skipIf(!present)(
    "every published config (skipped: no configs beside the project)",
    () => {
      const found: string[] = [];
      let sized = 0;
      for (const file of files) {
        const config = parseJson(readFileSync(`${folder}${file}`, "utf8"), file);
        let model: Architecture;
        try {
          model = readArchitecture(config, file);
        } catch (error) {
          if (!(error instanceof VramCalcError)) throw error;
          continue;
        }
        sized++;
        found.push(...check(model, config).map((fault) => `${file} ${fault}`));
      }
      expect(found).toEqual([]);
      expect(sized).toBeGreaterThan(0.9 * files.length);
    },
    60_000,
  );
});
