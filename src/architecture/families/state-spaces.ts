/** The files of the mamba_ssm package, which name neither class nor model type but hold an `ssm_cfg`. */
import { type ConfigReader, overriding, readConfig } from "../config-reader.ts";
import type { Family, FamilyLookup } from "../family.ts";
import type { ArchitectureDraft } from "../model.ts";

const isStateSpaces = (config: ConfigReader): boolean =>
  config.has("ssm_cfg") && !config.has(["model_type", "architectures"]);

/** What transformers calls the settings of one block. */
const BLOCK_KEYS: readonly (readonly [ours: string, theirs: string])[] = [
  ["state_size", "d_state"],
  ["conv_kernel", "d_conv"],
  ["expand", "expand"],
  ["use_conv_bias", "conv_bias"],
  ["use_bias", "bias"],
];

/**
 * Mamba or Mamba-2 by `ssm_cfg.layer`, tied unless said otherwise, over a vocabulary padded to a multiple of 8 or as
 * stated (mamba_ssm 2.2, models/config_mamba.py and modules/).
 *
 * @throws bad-config for attention layers, MLPs and LayerNorm, which these files may also ask for.
 * @example mamba-2.8b: 50_277 words in 50_280 rows, 2_768_345_600 parameters
 */
export const stateSpaces: Family = {
  id: "state-spaces",
  modelTypes: [],
  claims: isStateSpaces,
  build: (config, families) => {
    if ((config.ints("attn_layer_idx") ?? []).length > 0)
      config.fail("attn_layer_idx", "an empty list: layers without attention");
    if (config.count("d_intermediate", 0) > 0) config.fail("d_intermediate", "0: layers without an MLP");
    if (!config.flag("rms_norm", true)) config.fail("rms_norm", "true");
    const block = config.child("ssm_cfg") ?? readConfig({}, config.file, { path: "ssm_cfg" });
    const kind = block.text("layer", "Mamba1");
    if (kind !== "Mamba1" && kind !== "Mamba2") block.fail("layer", "Mamba1 or Mamba2");
    const build = kind === "Mamba1" ? first : second;
    return { ...build(config, block, families), family: "state-spaces" };
  },
};

/** Settings that both kinds of block share, under the keys of transformers. */
function shared(config: ConfigReader, block: ConfigReader, modelType: string): Record<string, unknown> {
  const multiple = config.int("pad_vocab_size_multiple", 8);
  return {
    model_type: modelType,
    vocab_size: Math.ceil(config.int("vocab_size", 50_277) / multiple) * multiple,
    tie_word_embeddings: config.flag("tie_embeddings", true),
    ...Object.fromEntries(BLOCK_KEYS.map(([ours, theirs]) => [ours, block.raw[theirs]])),
  };
}

function first(config: ConfigReader, block: ConfigReader, families: FamilyLookup): ArchitectureDraft {
  const own = { time_step_rank: block.raw.dt_rank ?? "auto" };
  return families.build(overriding(config, { ...shared(config, block, "mamba"), ...own }));
}

function second(config: ConfigReader, block: ConfigReader, families: FamilyLookup): ArchitectureDraft {
  const inner = config.int("d_model") * block.int("expand", 2);
  const headDim = block.int("headdim", 64);
  if (inner % headDim !== 0) block.fail("headdim", `a divisor of ${inner}`);
  const own = { head_dim: headDim, num_heads: inner / headDim, n_groups: block.int("ngroups", 1) };
  return families.build(overriding(config, { ...shared(config, block, "mamba2"), ...own }));
}
