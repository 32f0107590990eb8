/** What a release of a Python package does, by the version that a flag gives. */
import { type Versioned, versionRow } from "../../engines/versions.ts";
import { VramCalcError } from "../../errors.ts";

/**
 * The row of this version.
 *
 * @param of the flag, how the package is called, which versions it has, and an old and a new one for the error
 * @throws bad-option for what is no version of it
 */
export function releaseRow<R extends Versioned>(
  rows: readonly [R, ...R[]],
  version: string,
  of: { readonly option: string; readonly called: string; readonly versions: RegExp; readonly such: string },
): R {
  if (of.versions.test(version)) return versionRow(rows, version);
  throw new VramCalcError("bad-option", {
    option: of.option,
    given: `"${version.slice(0, 40)}"`,
    expected: `a release of ${of.called} such as ${of.such}`,
  });
}
