import { describe, expect, test } from "vitest";
import { loraLinears } from "../../src/adapters/lora.ts";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { trainOptions } from "../../src/cli/train-flags.ts";
import { train } from "../../src/estimate/train.ts";
import {
  ATTENTION_ALIASES,
  FRAMEWORK_ALIASES,
  type FrameworkName,
  LOSS_ALIASES,
  PRECISION_ALIASES,
  SHARDING_ALIASES,
  spelled,
  TRAINERS,
} from "../../src/estimate/train-names.ts";
import { ATTENTIONS, FRAMEWORKS, LOSSES, PRECISIONS, SHARDINGS } from "../../src/estimate/train-request.ts";
import { OPTIMIZERS, optimizerByName } from "../../src/memory/training/optimizers.ts";

const llama = catalogueArchitecture(findCatalogueEntry("llama-3.1-8b")!.entry);

const TABLES: readonly {
  what: string;
  values: readonly string[];
  aliases: Readonly<Record<string, string>>;
}[] = [
  { what: "framework", values: FRAMEWORKS, aliases: { ...TRAINERS, ...FRAMEWORK_ALIASES } },
  { what: "attention", values: ATTENTIONS, aliases: ATTENTION_ALIASES },
  { what: "loss", values: LOSSES, aliases: LOSS_ALIASES },
  { what: "precision", values: PRECISIONS, aliases: PRECISION_ALIASES },
  { what: "sharding", values: SHARDINGS, aliases: SHARDING_ALIASES },
];

describe("other names", () => {
  test.for(TABLES)(
    "of $what are no values themselves, stand for one, and are spelled with dashes",
    ({ values, aliases }) => {
      for (const [name, value] of Object.entries(aliases)) {
        expect(values).not.toContain(name);
        expect(values).toContain(value);
        expect(spelled(name)).toBe(name);
      }
    },
  );

  test("of a framework are either a trainer's or the framework's own", () => {
    expect(Object.keys(TRAINERS).filter((name) => name in FRAMEWORK_ALIASES)).toEqual([]);
  });

  test("of optimizers are unique and spelled with dashes", () => {
    const names = OPTIMIZERS.flatMap(({ id, aliases }) => [id, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(spelled(name)).toBe(name);
  });

  // Transformers 4.57, `training_args.py`, OptimizerNames.
  test.for([
    ["adamw_torch", "adamw"],
    ["adamw_torch_fused", "adamw-fused"],
    ["adamw-torch-fused", "adamw-fused"],
    ["adamw_8bit", "adamw-8bit"],
    ["adamw_bnb_8bit", "adamw-8bit"],
    ["adam8bit", "adamw-8bit"],
    ["paged_adamw_8bit", "paged-adamw-8bit"],
    ["paged_adamw_32bit", "paged-adamw"],
    ["PagedAdamW8bit", "paged-adamw-8bit"],
    ["lion_8bit", "lion-8bit"],
    ["galore_adamw", "galore"],
    ["apollo_adamw", "apollo"],
  ] as const)("optim %s is %s", ([name, id]) => {
    expect(optimizerByName(name).id).toBe(id);
  });

  test.for([
    ["--attention", "flash_attention_2", "flash"],
    ["--loss", "liger", "fused"],
    ["--precision", "bf16-mixed", "amp-bf16"],
    ["--precision", "bf16-true", "bf16"],
    ["--precision", "float32", "fp32"],
    ["--sharding", "fsdp1", "fsdp"],
    ["--sharding", "FSDP2", "fsdp2"],
    ["--sharding", "SimpleFSDP", "simple-fsdp"],
    ["--framework", "torchtitan", "fsdp"],
    ["--framework", "LLaMA_Factory", "llama-factory"],
  ] as const)("%s %s is read as %s", ([flag, text, value]) => {
    const option = trainOptions().find(({ long }) => long === flag)!;
    expect(option.parseArg!(text, undefined)).toBe(value);
    expect(() => option.parseArg!("constructor", undefined)).toThrow("Allowed choices are");
  });
});

test.for(["hsdp", "HYBRID_SHARD", "mics"])("--sharding %s says that it is a scheme and groups", (text) => {
  const option = trainOptions().find(({ long }) => long === "--sharding")!;
  expect(() => option.parseArg!(text, undefined)).toThrow(
    /^Say --sharding (fsdp2|zero3) and .*--dp-replicate 2\.$/,
  );
});

describe("a trainer", () => {
  test.for([
    ["trl", "hf", false],
    ["axolotl", "hf", true],
    ["llama-factory", "hf", false],
    ["nemo", "megatron", false],
  ] as const)(
    "%s is sized as %s, expandable segments %s, and a note says so",
    ([name, framework, expandableSegments]) => {
      const result = train(llama, { framework: name, seqTokens: 512 });
      expect(result.request.framework).toBe(framework);
      expect(result.notes.map(({ code }) => code)).toContain("trainer-read-as");
      expect(result.total).toEqual(train(llama, { framework, expandableSegments, seqTokens: 512 }).total);
    },
  );

  test("that is a framework's own name has no note, and an unknown one is refused", () => {
    for (const framework of ["torchtitan", "unsloth"] as const) {
      const notes = train(llama, { framework, seqTokens: 512 }).notes.map(({ code }) => code);
      expect(notes).not.toContain("trainer-read-as");
    }
    expect(() => train(llama, { framework: "constructor" as FrameworkName })).toThrow("--framework");
  });
});

test("q and v name q_proj and v_proj where a model has no module of that name, and T5's own where it has", () => {
  const names = (model: string, targets: readonly string[]): readonly string[] =>
    loraLinears(catalogueArchitecture(findCatalogueEntry(model)!.entry), { rank: 8, targets }).map(
      ({ name }) => name.replace(/^.*\./, ""),
    );
  expect(names("llama-3.1-8b", ["q", "v"])).toEqual(names("llama-3.1-8b", ["q_proj", "v_proj"]));
  expect(new Set(names("t5-small", ["q", "v"]))).toEqual(new Set(["q", "v"]));
});
