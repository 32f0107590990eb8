/** A row of an engine's table of constants. */
export interface Versioned {
  /** First release that behaves so. */
  readonly version: string;
  readonly date: string;
  /** The measurement or file that the row comes from. */
  readonly source: string;
}

/** -1, 0 or 1 as `a` is older than, equal to or newer than `b`, number by number. */
function compareVersions(a: string, b: string): number {
  const numbers = (text: string): number[] => text.split(".").map((part) => Number.parseInt(part, 10));
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0 && !Number.isNaN(difference)) return Math.sign(difference);
  }
  return 0;
}

/**
 * The row for a version: the newest that is not newer; the oldest for anything older. Rows are sorted,
 * oldest first.
 *
 * @example versionRow(VLLM_VERSIONS, "0.15").version // "0.8"
 */
export function versionRow<Row extends Versioned>(
  rows: readonly [Row, ...Row[]],
  version: string | undefined,
): Row {
  if (version === undefined) return rows[rows.length - 1]!;
  let found = rows[0];
  for (const row of rows) if (compareVersions(row.version, version) <= 0) found = row;
  return found;
}
