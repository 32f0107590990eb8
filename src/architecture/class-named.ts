import type { ConfigReader } from "./config-reader.ts";

/**
 * The class that a file names, of those that a family has; the first of them where the file names none.
 *
 * @throws bad-config for a class that the family does not have
 * @example classNamed(config, ["WhisperForConditionalGeneration", "WhisperModel"])
 */
export function classNamed<Name extends string>(
  config: ConfigReader,
  known: readonly [Name, ...Name[]],
): Name;
export function classNamed(config: ConfigReader, known: readonly string[]): string;
export function classNamed(config: ConfigReader, known: readonly string[]): string {
  const named = config.texts("architectures")?.[0] ?? known[0];
  return known.find((name) => name === named) ?? config.fail("architectures", listed(known));
}

const listed = (known: readonly string[]): string =>
  known.length === 1 ? known[0]! : `one of ${known.join(", ")}`;
