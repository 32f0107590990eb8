/** What tells a draft from the decoder whose model type it carries. */

const KEYS = [
  "draft_vocab_size",
  "eagle_config",
  "dflash_config",
  "speculators_model_type",
  "speculators_config",
] as const;

/** Classes of drafts, NVIDIA's Eagle, which sees images, not among them. */
const CLASSES =
  /^Eagle3?(?:Llama|Mistral|Qwen|DeepSeek|Deepseek|MiniCPM)|Eagle3?$|Eagle3(?:ForCausalLM|Speculator)|^DFlash|^DSpark|Speculator(?:Model)?$|ForCausalLMMTP$/;

/** Whether a config.json is a draft's: only the family of drafts reads it. */
export function isDraft(config: Readonly<Record<string, unknown>>): boolean {
  const named = Array.isArray(config.architectures) ? config.architectures[0] : undefined;
  return KEYS.some((key) => config[key] != null) || (typeof named === "string" && CLASSES.test(named));
}
