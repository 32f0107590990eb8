/** `--mmproj FILE`: the image projector of llama.cpp, a GGUF file beside the model's. */
import { VramCalcError } from "../errors.ts";
import type { EstimateOptions } from "../estimate/estimate-options.ts";
import { readGguf } from "../sources/gguf/read-gguf.ts";

/**
 * The bytes of the file's tensors.
 *
 * @throws bad-option for a GGUF file that holds no projector, and what reading one throws
 */
export async function loadProjector(path: string): Promise<NonNullable<EstimateOptions["projectorFile"]>> {
  const file = await readGguf(path);
  const architecture = file.metadata.get("general.architecture");
  if (architecture !== "clip")
    throw new VramCalcError("bad-option", {
      option: "--mmproj",
      given: `${path}, a model of architecture ${String(architecture).slice(0, 40)}`,
      expected: "a projector, whose architecture is clip",
    });
  return { id: path, bytes: file.tensorBytes };
}
