/** How many experts a config holds and chooses. */
import type { ConfigReader, Keys } from "./config-reader.ts";

/** Names of either count, across the classes. */
const EXPERT_KEYS = ["num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts"] as const;
const ACTIVE_KEYS = ["num_experts_per_tok", "num_experts_per_token", "moe_top_k", "moe_k"] as const;

/** Experts held, and experts that one token uses. */
export interface ExpertCounts {
  readonly count: number;
  readonly active: number;
}

/** What a class assumes of either count. */
export interface ExpertDefaults {
  readonly count?: number | undefined;
  readonly active?: number | undefined;
}

/**
 * Experts held and experts chosen per token.
 *
 * @throws bad-config when more are chosen than held.
 */
export function readExperts(
  config: ConfigReader,
  defaults: ExpertDefaults = {},
  keys: { readonly count?: Keys; readonly active?: Keys } = {},
): ExpertCounts {
  const activeKeys = keys.active ?? ACTIVE_KEYS;
  const count = config.int(keys.count ?? EXPERT_KEYS, defaults.count);
  const active = config.int(activeKeys, defaults.active);
  if (active > count) {
    const names = typeof activeKeys === "string" ? [activeKeys] : activeKeys;
    config.fail(names.find((name) => config.has(name)) ?? names[0]!, `at most the ${count} experts`);
  }
  return { count, active };
}
