/** What a config.json says beside its family's own keys: the published format, and keys that contradict the family. */
import type { ConfigReader } from "./config-reader.ts";
import type { Mixer } from "./mixers/mixer.ts";
import type { Architecture, FeedForward } from "./model.ts";

/** Names of `torch.dtype` and their short forms; null for a format that says nothing of the other tensors. */
const DTYPES: { readonly [name: string]: string | null } = {
  float16: "fp16",
  half: "fp16",
  fp16: "fp16",
  bfloat16: "bf16",
  bf16: "bf16",
  float32: "fp32",
  float: "fp32",
  fp32: "fp32",
  float64: "fp64",
  double: "fp64",
  auto: null,
  int8: null,
  uint8: null,
  fp8: null,
};

const EIGHT_BITS = /^(?:torch\.)?(?:float8_e\dm\d\w*|fp8|u?int8)$/;

/** Keys under which composite files nest their language model, or what holds it. */
const TEXT_PARTS = ["text_config", "llm_config", "language_config", "thinker_config", "llm_cfg"] as const;

/**
 * Format of the published weights: `dtype` or `torch_dtype`, here or in the text part.
 *
 * @throws bad-config for a name that no framework has
 */
export function publishedDtype(config: ConfigReader): string | undefined {
  return dtypeOf(config) ?? dtypeOf(config.child(TEXT_PARTS));
}

/** The name under `dtype` or `torch_dtype` where it is one of 8 bits, which norms and embeddings do not have. */
export function partialDtype(config: ConfigReader): string | undefined {
  const text = config.child(TEXT_PARTS);
  const named = [config, text].flatMap((part) => part?.raw.dtype ?? part?.raw.torch_dtype ?? []);
  return named.find((name): name is string => typeof name === "string" && EIGHT_BITS.test(name));
}

function dtypeOf(config: ConfigReader | undefined): string | undefined {
  const key = ["dtype", "torch_dtype"].find((name) => typeof config?.raw[name] === "string");
  if (config === undefined || key === undefined) return undefined;
  const name = (config.raw[key] as string).replace(/^torch\./, "");
  if (Object.hasOwn(DTYPES, name)) return DTYPES[name] ?? undefined;
  if (EIGHT_BITS.test(name)) return undefined;
  return config.fail(key, "the name of a torch dtype, such as bfloat16");
}

const hasExperts = ({ kind }: FeedForward): boolean => kind === "experts";
const isLatent = ({ kind }: Mixer): boolean => kind === "latent";

/**
 * Keys that change a model's size, in the config of a family that knows nothing of them: the family would
 * size another model.
 *
 * @throws bad-config naming the key
 */
export function checkContradictions(config: ConfigReader, model: Architecture): void {
  const kinds = model.stacks.flatMap((stack) => stack.kinds);
  const positive = (key: string): boolean => {
    const value = config.raw[key];
    return typeof value === "number" && value > 1;
  };
  // A model cut down to its first dense layers keeps the keys of its experts.
  const cut = config.has(["first_k_dense_replace", "moe_layer_start_index", "mlp_only_layers"]);
  const latent = kinds.some(({ mixers }) => mixers.some(isLatent));
  if (!cut && !latent && !kinds.some(({ feedForward }) => hasExperts(feedForward)))
    for (const key of ["n_routed_experts", "num_local_experts"])
      if (positive(key)) config.fail(key, `no experts in a config of the ${model.family} family`);
  if (positive("kv_lora_rank") && kinds.length > 0 && !kinds.some(({ mixers }) => mixers.some(isLatent)))
    config.fail("kv_lora_rank", `no latent attention in a config of the ${model.family} family`);
  const window = config.raw.sliding_window;
  if (typeof window === "number" && !(Number.isInteger(window) && window >= 0))
    config.fail("sliding_window", "a whole number of tokens from 0, or null");
}
