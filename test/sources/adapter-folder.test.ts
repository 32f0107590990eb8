import { expect, test } from "vitest";
import { loadModel } from "../../src/sources/load-model.ts";
import { withFolder } from "./bytes/padded-source.ts";
import { bf16Layout, buildSafetensors } from "./safetensors/safetensors-builder.ts";

const config = { base_model_name_or_path: "meta-llama/Llama-3.1-8B", r: 16, peft_type: "LORA" };
const weights = buildSafetensors(
  bf16Layout([
    ["base_model.model.a.lora_A.weight", 16, 64],
    ["base_model.model.a.lora_B.weight", 64, 16],
  ]),
);

test("an adapter without its model is called one: base model, rank, bytes", () =>
  withFolder(
    { "adapter_config.json": JSON.stringify(config), "adapter_model.safetensors": weights },
    async (folder) => {
      await expect(loadModel(folder)).rejects.toThrow(
        /it holds an adapter of rank 16 for meta-llama\/Llama-3\.1-8B with 4,096 B of tensors and no model; size the base model with --lora r=16/,
      );
    },
  ));

test.for([
  [["q_proj", "v_proj"], /--lora r=16,targets=q_proj\+v_proj\.$/],
  [["q_proj; rm -rf"], /--lora r=16\.$/],
  ["all-linear", /--lora r=16\.$/],
] as const)("its modules are those to name: %o", ([modules, hint]) =>
  withFolder({ "adapter_config.json": JSON.stringify({ ...config, target_modules: modules }) }, (folder) =>
    expect(loadModel(folder)).rejects.toThrow(hint),
  ),
);

test("one that says nothing of itself is still called an adapter", () =>
  withFolder({ "adapter_config.json": "{}" }, async (folder) => {
    await expect(loadModel(folder)).rejects.toThrow(/it holds an adapter and no model; size the base model/);
  }));
