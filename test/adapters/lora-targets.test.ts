import { describe, expect, test } from "vitest";
import { loraLinears, loraParameterCount } from "../../src/adapters/lora.ts";
import { parseLoraTargets } from "../../src/adapters/lora-targets.ts";
import { namedTargets } from "../../src/adapters/named-targets.ts";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { VramCalcError } from "../../src/errors.ts";
import { estimate } from "../../src/estimate/estimate.ts";
import { train } from "../../src/estimate/train.ts";
import { loadModel } from "../../src/sources/load-model.ts";

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
    expect(() => parametersOf("re:q_proj")).toThrow(
      /re:q_proj, expected an expression that matches the whole path/,
    );
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

describe("groups and names together", () => {
  const parameters = (targets: string): number =>
    loraParameterCount(loraLinears(llama, { rank: 8, targets: parseLoraTargets(targets) }));

  test("a group joins names, and counts a weight once", () => {
    expect(parameters("all-linear+lm_head")).toBe(parameters("all-linear") + 8 * (4096 + 128_256));
    expect(parameters("q_proj+attention")).toBe(parameters("attention"));
    expect(parameters("attention+down_proj")).toBe(parameters("attention") + parameters("down_proj"));
  });

  test("a name that matches nothing is refused, and so is a tied head", async () => {
    expect(() => parameters("q_proj+nope")).toThrow(/--lora-targets got nope/);
    const { architecture } = await loadModel("qwen3-0.6b");
    const tied = { rank: 32, targets: ["q_proj", "lm_head"] };
    expect(() => loraLinears(architecture, tied)).toThrow(/tied to the embedding/);
  });

  test("experts are adapted alike when a model is trained, served and inspected", async () => {
    const { architecture } = await loadModel("qwen3-30b-a3b");
    const linears = loraLinears(architecture, { rank: 16, targets: "all-linear" });
    const trained = train(architecture, { method: "lora", loraRank: 16, loraTargets: "all-linear" });
    expect(trained.parameters.trainable).toBe(loraParameterCount(linears));
    expect(trained.notes.map((n) => n.code)).toContain("adapted-experts");
    const served = estimate(architecture, { lora: { rank: 16, count: 1, targets: "all-linear" } });
    const term = served.devices[0]!.terms.find((t) => t.id === "adapters")!;
    expect(term.bytes).toBe(2 * loraParameterCount(linears));
    expect(served.notes.map((n) => n.code)).toContain("adapted-experts");
  });
});
