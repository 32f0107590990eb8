import type { CatalogueEntry } from "./catalogue-entry.ts";
import { type CatalogueHit, catalogueNames, findCatalogueEntry } from "./catalogue-names.ts";
import { readCommonArchitecture } from "./common-registry.ts";
import type { Architecture } from "./model.ts";

export { type CatalogueHit, catalogueNames, findCatalogueEntry };

/**
 * The model of a catalogue entry.
 *
 * @example catalogueArchitecture(findCatalogueEntry("qwen2.5-14b").entry).parameters.total // 14_770_033_664
 */
export function catalogueArchitecture(entry: CatalogueEntry): Architecture {
  return readCommonArchitecture(entry.config, entry.name)!;
}
