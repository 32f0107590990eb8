/**
 * A layer as torch.compile runs it (torch 2.13 `_functorch/partitioners.py`): what is read or made by a product or by attention lies
 * in memory, and so do sums over rows; everything between is made inside the kernels that read it, forward and again backward. What
 * such a kernel needs for backward is made again from what lies in memory, or kept itself where that takes fewer bytes. So no cast,
 * norm or activated gate is kept beside what it was made from.
 *
 *     gate [T, f] = h @ G, up [T, f] = h @ U, a = silu(gate) * up: gate, up, and a, which the next product reads; as written, also
 *     silu(gate)
 */
import type { Bytes } from "../../units.ts";
import type { Node, Storage, Tape, Value } from "./tape.ts";

export function fusedTape(tape: Tape, ends: { readonly input: Value; readonly output: Value }): Tape {
  const makers = new Map<number, Node>();
  const values = new Map<number, Value>([[ends.input.storage.id, ends.input]]);
  const inMemory = new Set<number>([ends.input.id, ends.output.id]);
  const kept = new Set<number>();
  for (const node of tape.nodes) {
    for (const value of node.outputs) {
      makers.set(value.id, node);
      if (!values.has(value.storage.id)) values.set(value.storage.id, value);
    }
    for (const { id } of node.light ? node.pinned : [...node.inputs, ...node.outputs]) inMemory.add(id);
    if (!node.light) for (const { id } of node.saved) kept.add(id);
  }
  /** The light operation that makes a value, unless it lies in memory. */
  const kernelMaking = (value: Value): Node | undefined =>
    inMemory.has(value.id) ? undefined : makers.get(value.id);

  const light = tape.nodes.filter((node) => node.light);
  for (const node of light)
    for (const storage of node.saved) {
      const value = values.get(storage.id);
      for (const source of value === undefined ? [] : cheapest(value)) {
        inMemory.add(source.id);
        kept.add(source.storage.id);
      }
    }
  const counted = new Set<Node>();
  const nodes = tape.nodes.flatMap((node): readonly Node[] => {
    if (!node.light) return [node];
    const made = node.outputs.filter(({ id }) => inMemory.has(id));
    return made.length === 0 ? [] : [kernelOf(node, made)];
  });
  return { ...tape, nodes };

  /** What to keep so that backward has this value: itself, or what it is made from. */
  function cheapest(value: Value): readonly Value[] {
    const maker = kernelMaking(value);
    if (maker === undefined) return [value];
    const sources = new Map<number, Value>();
    for (const input of [...maker.inputs, ...maker.pinned])
      for (const source of cheapest(input)) sources.set(source.storage.id, source);
    const { bytes } = value.storage;
    return moreToKeep([...sources.values()]) > bytes ? [value] : [...sources.values()];
  }

  function moreToKeep(sources: readonly Value[]): Bytes {
    const added = sources.filter(({ storage }) => !storage.outside && !kept.has(storage.id));
    return added.reduce((sum, { storage }) => sum + storage.bytes, 0);
  }

  /** All light operations down to what lies in memory, as one kernel that keeps of it what they need. */
  function kernelOf(last: Node, made: readonly Value[]): Node {
    const inside = new Set<Node>([last]);
    const read = new Map<number, Value>();
    for (const node of inside)
      for (const input of node.inputs) {
        const maker = kernelMaking(input);
        if (maker === undefined) read.set(input.id, input);
        else inside.add(maker);
      }
    const needed = new Map<number, Storage>();
    let weightGradients = 0;
    for (const node of inside) {
      for (const storage of node.saved) {
        const value = values.get(storage.id);
        const from = value === undefined ? [storage] : sourcesOf(value);
        for (const source of from) needed.set(source.id, source);
      }
      if (!counted.has(node)) weightGradients += node.weightGradients;
      counted.add(node);
    }
    return {
      ...last,
      inputs: [...read.values()],
      outputs: made,
      saved: [...needed.values()],
      alias: false,
      backwardScratch: 0,
      forwardScratch: 0,
      weightGradients,
      grad: made.some(({ grad }) => grad),
    };
  }

  /** What lies in memory of all that a value is made from. */
  function sourcesOf(value: Value): readonly Storage[] {
    const maker = kernelMaking(value);
    if (maker === undefined) return [value.storage];
    return [...maker.inputs, ...maker.pinned].flatMap(sourcesOf);
  }
}
