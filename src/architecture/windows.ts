/** Which layers of a config see only a window of the context. */
import type { ConfigReader } from "./config-reader.ts";
import { layerTypes } from "./stack.ts";

type Window = (layer: number) => number | undefined;

/** `layer_types` with "sliding_attention" entries, when the config lists them. */
export function listedWindow(
  config: ConfigReader,
  layers: number,
  windowTokens: number | undefined,
): Window | undefined {
  const types = layerTypes(config, layers);
  if (types === undefined || windowTokens === undefined) return undefined;
  return (layer) => (types[layer] === "sliding_attention" ? windowTokens : undefined);
}

/** Mistral, Mixtral, Phi-3, StarCoder2: `sliding_window`, when set, holds in every layer. */
export function everyLayerWindow(config: ConfigReader, layers: number): Window | undefined {
  const windowTokens = config.optionalInt("sliding_window");
  if (windowTokens === undefined) return undefined;
  return listedWindow(config, layers, windowTokens) ?? (() => windowTokens);
}

/** Qwen: only with `use_sliding_window`, from layer `max_window_layers` on. */
export function qwenWindow(config: ConfigReader, layers: number): Window | undefined {
  const windowTokens = config.optionalInt("sliding_window");
  if (windowTokens === undefined || !config.flag("use_sliding_window", false)) return undefined;
  const first = config.count("max_window_layers", 28);
  return (
    listedWindow(config, layers, windowTokens) ?? ((layer) => (layer >= first ? windowTokens : undefined))
  );
}

/** Gemma: every `period`-th layer is full, the others slide. */
export function periodicWindow(
  config: ConfigReader,
  layers: number,
  options: { readonly period: number; readonly windowTokens: number },
): Window {
  const windowTokens = config.int("sliding_window", options.windowTokens);
  const period = config.int("sliding_window_pattern", options.period);
  return (
    listedWindow(config, layers, windowTokens) ??
    ((layer) => ((layer + 1) % period === 0 ? undefined : windowTokens))
  );
}
