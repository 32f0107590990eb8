import { VramCalcError } from "../errors.ts";
import type { NumberFormat } from "./number-formats.ts";

/** What becomes of a value beyond the largest one. */
export type Overflow = "saturate" | "infinity" | "nan" | "throw";

/**
 * What a format does by convention: infinity where it has one, NaN where it has only that (casts of torch and
 * ml_dtypes), the nearest value where it has neither. Kernels that quantize usually saturate instead.
 */
export function conventionalOverflow(format: NumberFormat): Overflow {
  if (format.kind !== "float") return "saturate";
  switch (format.specials) {
    case "ieee":
      return "infinity";
    case "fn":
    case "fnuz":
    case "e8m0":
      return "nan";
    case "finite":
      return "saturate";
  }
}

/** The refusal of a value beyond the format. */
export const outOfRange = (
  format: NumberFormat,
  value: string,
  limit: string,
): VramCalcError<"out-of-range"> => new VramCalcError("out-of-range", { format: format.id, value, limit });

/** The refusal of a rule that the format has no code for. */
export const noSuchOverflow = (format: NumberFormat, overflow: Overflow): VramCalcError<"bad-option"> =>
  new VramCalcError("bad-option", {
    option: "overflow",
    given: `"${overflow}" for ${format.id}, which has no ${overflow === "nan" ? "NaN" : "infinity"}`,
    expected: `"saturate" or "throw"${format.kind === "float" && format.specials !== "finite" ? ' or "nan"' : ""}`,
  });
