/** An image projector in a file of its own, as llama.cpp takes it. */
import { VramCalcError } from "../errors.ts";
import { exactTerm, type Term } from "../memory/term.ts";
import type { Bytes } from "../units.ts";
import type { EstimateOptions } from "./estimate-options.ts";

/** The file's tensors on the first GPU. */
export const projectorTerm = (bytes: Bytes): Term => ({
  ...exactTerm("weights", bytes, "{bytes} B of tensors in the projector's file", { bytes }),
  label: "images",
});

/** @throws bad-option for a projector's file under anything but llama.cpp. */
export function checkProjector({ projectorFile }: EstimateOptions, engine: string | null): void {
  if (projectorFile === undefined || engine === "llama.cpp") return;
  throw new VramCalcError("bad-option", {
    option: "--mmproj",
    given: engine === null ? "a file without an engine" : `a file for ${engine}`,
    expected: "--engine llama.cpp beside it, which is what reads such files",
  });
}
