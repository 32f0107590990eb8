/** What `--engine` names. */
import { nearestNames, VramCalcError } from "../errors.ts";
import { ENGINE_IDS, type EngineId } from "./engine.ts";

const ALIASES: ReadonlyMap<string, EngineId> = new Map([
  ["hf", "transformers"],
  ["llamacpp", "llama.cpp"],
  ["llama-cpp", "llama.cpp"],
  ["ollama", "llama.cpp"],
  ["koboldcpp", "llama.cpp"],
]);

export interface EngineName {
  readonly engine: EngineId;
  readonly version?: string;
}

/** As releases, builds and logs print it: 0.19, v0.8.5.post1, b6400, 0.22.1rc1, 0.20.1.dev1+g0012cf6. */
const VERSION = /^[bv]?\d+(\.\d+)*([.-]?(dev|post|rc|a|b)\d*)*(\+[\w.]+)?$/;

/**
 * Reads `--engine`: a name, with `@version` for older constants.
 *
 * @throws unknown-name
 * @example parseEngine("vllm@0.11") // { engine: "vllm", version: "0.11" }
 */
export function parseEngine(text: string): EngineName {
  const [name = "", version] = text.trim().toLowerCase().split("@", 2);
  const engine = ENGINE_IDS.find((id) => id === name) ?? ALIASES.get(name);
  if (engine === undefined)
    throw new VramCalcError("unknown-name", {
      kind: "engine",
      name,
      nearest: nearestNames(name, ENGINE_IDS),
      hint: `engines are generic, ${ENGINE_IDS.join(", ")}`,
    });
  if (version === undefined) return { engine };
  if (!VERSION.test(version))
    throw new VramCalcError("bad-option", {
      option: "--engine",
      given: text,
      expected: "an engine, or one at a version such as vllm@0.19",
    });
  return { engine, version: version.replace(/^v/, "") };
}

export type Runtime = EngineId | "generic";

/**
 * The runtime behind `--engine`, version aside.
 *
 * @throws unknown-name
 * @example runtimeOf("ollama@0.13") // "llama.cpp"
 */
export const runtimeOf = (engine: string | undefined): Runtime =>
  engine === undefined || engine === "generic" ? "generic" : parseEngine(engine).engine;

/**
 * Whether the engine takes a share of the card and cuts its cache from it, so that it needs another size on each card.
 *
 * @throws unknown-name
 * @example cutsPool("vllm@0.19") // true
 */
export function cutsPool(engine: string | undefined): boolean {
  const runtime = runtimeOf(engine);
  return runtime === "vllm" || runtime === "sglang";
}
