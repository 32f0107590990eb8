import type { Architecture } from "../architecture/model.ts";
import type { LoadOptions } from "./load-model.ts";

/**
 * The architecture of a parsed config.json, from the smallest set of families that reads it: loading all of them takes
 * longer than anything else that a small command does.
 */
export async function configArchitecture(
  value: unknown,
  file: string,
  options: Pick<LoadOptions, "assumeFamily">,
): Promise<Architecture> {
  if (options.assumeFamily === undefined) {
    const { mainRegistry } = await import("../architecture/main-registry.ts");
    if (mainRegistry.reads(value)) return mainRegistry.read(value, file);
    const { decoderRegistry } = await import("../architecture/decoder-registry.ts");
    if (decoderRegistry.reads(value)) return decoderRegistry.read(value, file);
    const { readCommonArchitecture } = await import("../architecture/common-registry.ts");
    const common = readCommonArchitecture(value, file);
    if (common !== null) return common;
  }
  const { readArchitecture } = await import("../architecture/registry.ts");
  return readArchitecture(
    value,
    file,
    options.assumeFamily === undefined ? {} : { assumeFamily: options.assumeFamily },
  );
}
