/** Which layers of a config see only a window of the context. */
import type { ConfigReader } from "./config-reader.ts";
import { layerTypes } from "./stack.ts";

/** Window of a layer in tokens; undefined where the layer sees everything. */
export type Window = (layer: number) => number | undefined;

/** How a family says which layers slide; undefined when none does. */
export type WindowRule = (config: ConfigReader, layers: number) => Window | undefined;

/** `sliding_window`: the key, else the class default. An explicit null or 0 means no window. */
export function windowTokensOf(config: ConfigReader, classDefault?: number): number | undefined {
  if (config.raw.sliding_window === null) return undefined;
  const windowTokens = config.count("sliding_window", classDefault ?? 0);
  return windowTokens === 0 ? undefined : windowTokens;
}

/**
 * `layer_types` with "sliding_attention" entries, when the config lists them.
 *
 * @throws bad-config for an entry that is neither full nor sliding attention.
 */
export function listedWindow(
  config: ConfigReader,
  layers: number,
  windowTokens: number | undefined,
): Window | undefined {
  const types = layerTypes(config, layers);
  if (types === undefined) return undefined;
  for (let layer = 0; layer < layers; layer++) {
    if (types[layer] !== "full_attention" && types[layer] !== "sliding_attention")
      config.fail("layer_types", `entries full_attention or sliding_attention, not "${types[layer]}"`);
  }
  if (windowTokens === undefined) return () => undefined;
  return (layer) => (types[layer] === "sliding_attention" ? windowTokens : undefined);
}

/** Mistral, Mixtral, Phi-3, StarCoder2: `sliding_window`, when set, holds in every layer. */
export function everyLayerWindow(
  config: ConfigReader,
  layers: number,
  classDefault?: number,
): Window | undefined {
  const windowTokens = windowTokensOf(config, classDefault);
  const listed = listedWindow(config, layers, windowTokens);
  if (listed !== undefined || windowTokens === undefined) return listed;
  return () => windowTokens;
}

/**
 * Qwen: only with `use_sliding_window`, then in the layers that `slides` says: from `max_window_layers` on
 * unless the class differs.
 */
export function qwenWindow(
  config: ConfigReader,
  layers: number,
  slides: (layer: number, maxWindowLayers: number) => boolean = (layer, first) => layer >= first,
): Window | undefined {
  const windowTokens = config.flag("use_sliding_window", false) ? windowTokensOf(config, 4096) : undefined;
  const listed = listedWindow(config, layers, windowTokens);
  if (listed !== undefined || windowTokens === undefined) return listed;
  const first = config.count("max_window_layers", 28);
  return (layer) => (slides(layer, first) ? windowTokens : undefined);
}

/** Gemma, Cohere 2, OLMo 3, EXAONE 4: every `period`-th layer is full, the others slide. */
export function periodicWindow(
  config: ConfigReader,
  layers: number,
  options: { readonly period: number; readonly windowTokens: number },
): Window | undefined {
  const windowTokens = windowTokensOf(config, options.windowTokens);
  const listed = listedWindow(config, layers, windowTokens);
  if (listed !== undefined || windowTokens === undefined) return listed;
  const full = fullLayers(config, options.period);
  return (layer) => (full(layer) ? undefined : windowTokens);
}

/** `sliding_window_pattern`: a period, or a word such as "LLLG" repeated over the layers, G for full. */
function fullLayers(config: ConfigReader, classPeriod: number): (layer: number) => boolean {
  const pattern = config.raw.sliding_window_pattern;
  if (typeof pattern === "string") {
    if (!/^[LG]{1,64}$/.test(pattern))
      config.fail("sliding_window_pattern", "a period, or a word of L and G");
    return (layer) => pattern[layer % pattern.length] === "G";
  }
  const period = config.int("sliding_window_pattern", classPeriod);
  return (layer) => (layer + 1) % period === 0;
}
