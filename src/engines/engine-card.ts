import { defined } from "../defined.ts";
import type { Accelerator } from "../hardware/accelerator.ts";
import type { EngineCard } from "./engine.ts";

/**
 * A card of the table as engines see it.
 *
 * @example engineCard(acceleratorByName("rtx-4090")).multiprocessors // 128
 */
export const engineCard = ({
  usableBytes,
  generation,
  smiTotalBytes,
  computeCapability,
  multiprocessors,
}: Accelerator): EngineCard =>
  defined({ totalBytes: usableBytes, generation, smiTotalBytes, computeCapability, multiprocessors });
