/** A value read from a text file that still knows where each of its parts stands. */
export type Node = ScalarNode | ListNode | MapNode;

export type Scalar = string | number | boolean | null;

export interface ScalarNode {
  readonly kind: "scalar";
  /** Offset of its first character. */
  readonly at: number;
  readonly value: Scalar;
}

export interface ListNode {
  readonly kind: "list";
  readonly at: number;
  readonly items: readonly Node[];
}

export interface MapNode {
  readonly kind: "map";
  readonly at: number;
  readonly members: ReadonlyMap<string, Member>;
}

export interface Member {
  /** Offset of the key. */
  readonly at: number;
  readonly node: Node;
}

/** Levels of nesting that a budgets file may have: it needs four. */
export const MOST_LEVELS = 40;

/** The value without its places. Maps have no prototype, so a key is only ever a key. */
export function plainValue(node: Node): unknown {
  switch (node.kind) {
    case "scalar":
      return node.value;
    case "list":
      return node.items.map(plainValue);
    case "map": {
      const value: Record<string, unknown> = Object.create(null);
      for (const [key, member] of node.members) value[key] = plainValue(member.node);
      return value;
    }
  }
}

/**
 * Offset of the value at a path, or of the deepest part of the path that exists.
 *
 * @example placeOf(node, ["budgets", 0, "context"])
 */
export function placeOf(node: Node, path: readonly PropertyKey[]): number {
  let here = node;
  for (const step of path) {
    const next =
      here.kind === "map"
        ? here.members.get(String(step))?.node
        : here.kind === "list" && typeof step === "number"
          ? here.items[step]
          : undefined;
    if (next === undefined) break;
    here = next;
  }
  return here.at;
}

/** Offset of a key of the map at a path; of the map where the key is not in it. */
export function placeOfKey(node: Node, path: readonly PropertyKey[], key: string): number {
  let here: Node | undefined = node;
  for (const step of path) {
    if (here?.kind === "map") here = here.members.get(String(step))?.node;
    else if (here?.kind === "list") here = here.items[Number(step)];
  }
  return (here?.kind === "map" ? here.members.get(key)?.at : undefined) ?? placeOf(node, path);
}

/** The first value that lies beyond `most` values in the order of the text, or null when there are no more. */
export function beyond(root: Node, most: number): Node | null {
  let left = most;
  const visit = (node: Node): Node | null => {
    if (left-- <= 0) return node;
    switch (node.kind) {
      case "scalar":
        return null;
      case "list":
        return first(node.items);
      case "map":
        return first([...node.members.values()].map((member) => member.node));
    }
  };
  const first = (nodes: readonly Node[]): Node | null => {
    for (const node of nodes) {
      const found = visit(node);
      if (found !== null) return found;
    }
    return null;
  };
  return visit(root);
}
