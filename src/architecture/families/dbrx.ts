import type { ConfigReader } from "../config-reader.ts";
import { familyOf } from "../decoder-row.ts";
import { readExperts } from "../expert-counts.ts";
import { moe } from "../moe.ts";

/** The object under `key`, or an empty one when the config leaves it to the class. */
const part = (config: ConfigReader, key: string): ConfigReader | undefined => config.child(key);

/** LayerNorm without bias, q/k/v in one projection, experts under ffn_config, KV heads under attn_config. */
export const dbrx = familyOf(
  {
    id: "dbrx",
    classNames: ["DbrxForCausalLM"],
    norm: "layer-no-bias",
    layerNorms: ["norm_attn_norm.norm_1", "norm_attn_norm.norm_2"],
    attention: { name: "norm_attn_norm.attn", fused: "Wqkv", outName: "out_proj" },
    names: { embedding: "transformer.wte", layers: "transformer.blocks", finalNorm: "transformer.norm_f" },
    experts: (config, { hiddenSize }) => {
      const ffn = part(config, "ffn_config");
      return {
        sparse: () => true,
        build: () =>
          moe({
            config,
            hiddenSize,
            experts: ffn === undefined ? { count: 4, active: 1 } : readExperts(ffn, { count: 4, active: 1 }),
            width: ffn?.int("ffn_hidden_size", 3584) ?? 3584,
            name: "ffn",
            router: "router.layer",
            expertNames: ["mlp.w1", "mlp.v1", "mlp.w2"],
          }),
      };
    },
  },
  (config) => ({ kvHeads: part(config, "attn_config")?.int("kv_n_heads", 1) ?? 1 }),
);
