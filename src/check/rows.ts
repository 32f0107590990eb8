/** The rows that a budgets file stands for: defaults filled in, matrices multiplied out. */
import { type MapNode, type Node, plainValue } from "./text/node.ts";
import { badBudgets, type TextFile } from "./text/place.ts";

/** Rows that one file may stand for. */
const MOST_ROWS = 10_000;

export interface RowField {
  readonly value: unknown;
  /** Offset of the value in the file. */
  readonly at: number;
  /** Whether the row or its matrix says it, and not the defaults. */
  readonly own: boolean;
}

export interface RawRow {
  /** Offset of the row. */
  readonly at: number;
  readonly fields: ReadonlyMap<string, RowField>;
  /** Fields that its matrix varies. */
  readonly varied: readonly string[];
}

/**
 * Multiplies out the rows of a budgets file whose shape was checked.
 *
 * @param canonical gives the one name of a field that may be spelled in two ways
 * @throws bad-budgets for more than 10,000 rows and for a field given in two spellings or twice
 */
export function expandRows(
  source: TextFile,
  root: MapNode,
  canonical: (key: string) => string,
): readonly RawRow[] {
  const fieldsOf = (node: Node | undefined, own: boolean): Map<string, RowField> => {
    const fields = new Map<string, RowField>();
    if (node?.kind !== "map") return fields;
    for (const [key, member] of node.members) {
      const name = canonical(key);
      if (name === "matrix") continue;
      if (fields.has(name)) throw badBudgets(source, member.at, `"${key}" is given twice, in two spellings`);
      fields.set(name, { value: plainValue(member.node), at: member.node.at, own });
    }
    return fields;
  };
  const defaults = fieldsOf(root.members.get("defaults")?.node, false);
  const list = root.members.get("budgets")!.node;
  const rows: RawRow[] = [];
  for (const item of list.kind === "list" ? list.items : []) {
    const fields = new Map([...defaults, ...fieldsOf(item, true)]);
    const axes = axesOf(source, item, canonical);
    for (const axis of axes) {
      if (fields.get(axis.name)?.own === true)
        throw badBudgets(source, axis.at, `"${axis.name}" stands in the row and in its matrix`);
    }
    const count = axes.reduce((product, axis) => product * axis.values.length, 1);
    if (rows.length + count > MOST_ROWS) {
      const found = axes.length === 0 ? `more than ${MOST_ROWS} rows` : `a matrix of ${count} rows`;
      throw badBudgets(
        source,
        item.at,
        `found ${found}${rows.length === 0 ? "" : ` after ${rows.length}`}, expected at most ${MOST_ROWS} in all`,
      );
    }
    for (let i = 0; i < count; i++) rows.push({ at: item.at, ...combination(fields, axes, i) });
  }
  return rows;
}

interface Axis {
  readonly name: string;
  readonly at: number;
  readonly values: readonly RowField[];
}

function axesOf(source: TextFile, item: Node, canonical: (key: string) => string): readonly Axis[] {
  const matrix = item.kind === "map" ? item.members.get("matrix")?.node : undefined;
  if (matrix?.kind !== "map") return [];
  const axes: Axis[] = [];
  for (const [key, { at, node }] of matrix.members) {
    const name = canonical(key);
    if (axes.some((axis) => axis.name === name))
      throw badBudgets(source, at, `"${key}" is given twice, in two spellings`);
    const items = node.kind === "list" ? node.items : [];
    axes.push({
      name,
      at,
      values: items.map((value) => ({ value: plainValue(value), at: value.at, own: true })),
    });
  }
  return axes;
}

/** The i-th combination: the last axis turns fastest. */
function combination(
  base: ReadonlyMap<string, RowField>,
  axes: readonly Axis[],
  index: number,
): Pick<RawRow, "fields" | "varied"> {
  if (axes.length === 0) return { fields: base, varied: [] };
  const fields = new Map(base);
  let rest = index;
  for (let a = axes.length - 1; a >= 0; a--) {
    const { name, values } = axes[a]!;
    fields.set(name, values[rest % values.length]!);
    rest = Math.floor(rest / values.length);
  }
  return { fields, varied: axes.map((axis) => axis.name) };
}
