import { describe, expect, test } from "vitest";
import { loraLinears, loraParameterCount } from "../../src/adapters/lora.ts";
import { namedTargets, parseLoraTargets } from "../../src/adapters/lora-targets.ts";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { VramCalcError } from "../../src/errors.ts";
import { train } from "../../src/estimate/train.ts";

const llama = catalogueArchitecture(findCatalogueEntry("llama-3.1-8b")!.entry);
const parametersOf = (targets: string): number =>
  loraParameterCount(loraLinears(llama, { rank: 8, targets: parseLoraTargets(targets) }));

describe("targets as PEFT reads target_modules", () => {
  test("re:.*self_attn\\.(q|v)_proj is q_proj and v_proj: 32 x 8 x (4096 + 4096 + 4096 + 1024) = 3,407,872", () => {
    expect(parametersOf("re:.*self_attn\\.(q|v)_proj")).toBe(3_407_872);
    expect(parametersOf("q_proj+v_proj")).toBe(3_407_872);
    expect(parametersOf("q_proj,v_proj")).toBe(3_407_872);
  });

  test("the whole path must match: re:q_proj takes nothing, as in PEFT", () => {
    expect(() => parametersOf("re:q_proj")).toThrow(/all-linear/);
  });

  test("the head only when it is named: 8 x (4096 + 128,256) = 1,058,816", () => {
    expect(parametersOf("re:lm_head")).toBe(1_058_816);
    expect(namedTargets(llama, "re:model\\..*_proj")).not.toContain("lm_head");
  });

  test("a training step takes the expression", () => {
    const request = { method: "lora", loraRank: 8, seqTokens: 512 } as const;
    const byPattern = train(llama, { ...request, loraTargets: "re:.*_proj" });
    expect(byPattern.totals).toEqual(train(llama, { ...request, loraTargets: "all-linear" }).totals);
    expect(byPattern.request.loraTargets).toContain("mlp.down_proj");
  });

  test.each([
    ["some of equal layers", "re:.*layers\\.[0-7]\\..*q_proj", /of every layer or of none/],
    ["a broken expression", "re:(q_proj", /a regular expression without/],
    ["a back reference", "re:(q)_proj\\1", /a regular expression without/],
  ])("%s is refused in one sentence", (_title, targets, message) => {
    expect(() => parametersOf(targets)).toThrow(VramCalcError);
    expect(() => parametersOf(targets)).toThrow(message);
  });
});
