/** Names of tensors in GGUF files, and what each does. From llama.cpp's gguf-py constants (August 2026). */
import type { Group, Role, Split, TensorKind } from "./model.ts";

export interface GgufName {
  readonly role: Role;
  readonly group: Group;
  readonly kind: TensorKind;
  readonly split: Split;
}

const row = (role: Role, group: Group, kind: TensorKind, split: Split = "replicated"): GgufName => ({
  role,
  group,
  kind,
  split,
});
const attn = (role: Role, split: Split = "replicated"): GgufName => row(role, "attention", "linear", split);
const mlp = (role: Role, group: Group, split: Split): GgufName => row(role, group, "linear", split);
const normRow: GgufName = row("norm", "norms", "norm");
const recurrent = (role: Role, kind: TensorKind): GgufName => row(role, "recurrent", kind);

/** Inside a layer, after "blk.N." and before ".weight" or ".bias". */
const IN_LAYER: Readonly<Record<string, GgufName>> = {
  attn_q: attn("attn-q", "heads"),
  attn_k: attn("attn-k", "kv-heads"),
  attn_v: attn("attn-v", "kv-heads"),
  attn_qkv: attn("attn-qkv", "qkv"),
  attn_output: attn("attn-o", "row"),
  attn_gate: attn("attn-gate", "heads"),
  attn_q_a: attn("attn-q-a"),
  attn_q_b: attn("attn-q-b", "heads"),
  attn_kv_a_mqa: attn("attn-kv-a"),
  attn_kv_b: attn("attn-kv-b", "heads"),
  attn_k_b: attn("attn-kv-b", "heads"),
  attn_v_b: attn("attn-kv-b", "heads"),
  attn_sinks: row("other", "attention", "vector", "heads"),
  attn_rel_b: row("other", "positions", "vector"),
  ffn_gate: mlp("mlp-gate", "mlp", "column"),
  ffn_up: mlp("mlp-up", "mlp", "column"),
  ffn_down: mlp("mlp-down", "mlp", "row"),
  ffn_gate_inp: row("router", "router", "linear"),
  ffn_gate_inp_shexp: row("router", "router", "linear"),
  exp_probs_b: row("router", "router", "vector"),
  ffn_gate_exps: row("mlp-gate", "experts", "expert", "column"),
  ffn_up_exps: row("mlp-up", "experts", "expert", "column"),
  ffn_gate_up_exps: row("mlp-gate-up", "experts", "expert", "column"),
  ffn_down_exps: row("mlp-down", "experts", "expert", "row"),
  ffn_gate_shexp: mlp("mlp-gate", "shared-experts", "column"),
  ffn_up_shexp: mlp("mlp-up", "shared-experts", "column"),
  ffn_down_shexp: mlp("mlp-down", "shared-experts", "row"),
  ssm_in: recurrent("recurrent-in", "linear"),
  ssm_out: recurrent("recurrent-out", "linear"),
  ssm_conv1d: recurrent("recurrent", "conv"),
  ssm_x: recurrent("recurrent", "linear"),
  ssm_ba: recurrent("recurrent-in", "linear"),
  ssm_dt: recurrent("recurrent", "linear"),
  ssm_a: recurrent("recurrent", "vector"),
  ssm_d: recurrent("recurrent", "vector"),
  "shortconv.conv": recurrent("recurrent", "conv"),
  "shortconv.in_proj": recurrent("recurrent-in", "linear"),
  "shortconv.out_proj": recurrent("recurrent-out", "linear"),
};

/** Outside the layers. */
const OUTSIDE: Readonly<Record<string, GgufName>> = {
  token_embd: row("embedding", "embedding", "embedding", "vocab"),
  output: row("head", "lm-head", "linear", "vocab"),
  position_embd: row("position-embedding", "positions", "embedding"),
  token_types: row("position-embedding", "positions", "embedding"),
  per_layer_token_embd: row("embedding", "embedding", "embedding"),
};

/** What a tensor does, by the part of its name before ".weight" or ".bias". Unknown names are `other`. */
export function ggufName(base: string, suffix: string, inLayer: boolean): GgufName {
  const table = inLayer ? IN_LAYER : OUTSIDE;
  const found = Object.hasOwn(table, base) ? table[base]! : undefined;
  if (found !== undefined)
    return suffix === "bias" && found.kind !== "vector" ? { ...found, kind: "bias" } : found;
  if (base.endsWith("norm") || base.endsWith("norm_2"))
    return suffix === "bias" ? { ...normRow, kind: "bias" } : normRow;
  if (base.startsWith("ssm_")) return recurrent("recurrent", "vector");
  return row(
    "other",
    base.startsWith("attn") || base.startsWith("indexer") ? "attention" : "other",
    "vector",
  );
}
