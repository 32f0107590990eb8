import { type Bytes, formatBytes } from "../units.ts";

export type Units = "GB" | "GiB" | "both";

/** A size in the asked units: "28.00 GB", "26.08 GiB" or both; megabytes where gigabytes would read 0.00. */
export function sizeText(bytes: Bytes, units: Units, digits = 2): string {
  const small = bytes < 1e7;
  const decimal = formatBytes(bytes, { unit: small ? "MB" : "GB", digits });
  const binary = formatBytes(bytes, { unit: small ? "MiB" : "GiB", digits });
  return units === "both" ? `${decimal} = ${binary}` : units === "GB" ? decimal : binary;
}
