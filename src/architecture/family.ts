import type { ConfigReader } from "./config-reader.ts";
import type { Activation, ArchitectureDraft } from "./model.ts";
import type { VisionFacts } from "./vision-facts.ts";

/** A group of model classes that share one layout. One file per family under `families/`. */
export interface Family {
  readonly id: string;
  /** `model_type` values that this family reads. */
  readonly modelTypes: readonly string[];
  /** Class names, for configs without a `model_type` or with custom code in a known layout. */
  readonly classNames?: readonly string[];
  /** Class names that its files carry too, of other families or of older files. */
  readonly alsoNamed?: readonly string[];
  /** Reads configs of that model type when they hold that key: Qwen-VL is "qwen" with "visual". */
  readonly insteadOf?: { readonly modelType: string; readonly key: string };
  /** How images become tokens, for families that see them. */
  readonly vision?: (config: ConfigReader) => VisionFacts | undefined;
  /** Reads configs that this holds for, whatever their model type: drafts carry that of a decoder. */
  readonly claims?: (config: ConfigReader) => boolean;
  /** config.json -> the model, or a `bad-config` error naming the key that stopped it. */
  readonly build: (config: ConfigReader, families: FamilyLookup) => ArchitectureDraft;
}

/** How a composite (vision, audio) family gets the language model inside it without knowing the registry. */
export interface FamilyLookup {
  /**
   * Builds a nested config by its own `model_type`, or as `fallbackModelType` when it has none.
   *
   * @throws unsupported-model when no family reads it.
   */
  build(config: ConfigReader, fallbackModelType?: string): ArchitectureDraft;
}

/** The activation that `hidden_act` (or an alias) names; each keeps something else for backward. */
export function activationOf(config: ConfigReader, fallback: string): Activation {
  const name = config.text(
    [
      "hidden_act",
      "hidden_activation",
      "activation_function",
      "mlp_hidden_act",
      "activation",
      "dense_act_fn",
    ],
    fallback,
  );
  return activationNamed(name);
}

/** The activation behind one of the names that configs use. */
export function activationNamed(name: string): Activation {
  switch (name) {
    case "silu":
    case "swish":
    case "swiglu":
      return "silu";
    case "gelu":
    case "gelu_python":
      return "gelu";
    case "gelu_pytorch_tanh":
    case "gelu_fast":
    case "gelu_python_tanh":
      return "gelu-tanh";
    case "gelu_new":
      return "gelu-new";
    case "quick_gelu":
      return "quick-gelu";
    case "relu":
      return "relu";
    case "relu2":
    case "relu_squared":
      return "relu2";
    default:
      return "other";
  }
}
