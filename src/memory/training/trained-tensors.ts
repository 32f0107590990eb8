import type { Architecture, Tensor } from "../../architecture/model.ts";
import { forEachTensor, tensorElements } from "../../architecture/parameters.ts";
import { onceForEach } from "../../remember.ts";
import type { AdapterUse, Holding } from "./pass.ts";
import type { Width } from "./tape.ts";

/** One parameter tensor that training updates: a weight or a factor of an adapter. */
export interface TrainedTensor {
  /** Elements of one such tensor. */
  readonly elements: number;
  /** Rows and columns of its matrix, or one row for a vector; fused experts have `matrices` of them. */
  readonly rows: number;
  readonly columns: number;
  readonly matrices: number;
  /** How many such tensors the model holds. */
  readonly count: number;
  readonly width: Width;
  /** Optimizers that treat hidden matrices apart (Muon, GaLore) look at this. */
  readonly hiddenMatrix: boolean;
  /** Divided over the expert-parallel group instead of the whole data-parallel one. */
  readonly expert: boolean;
}

/** Every tensor that an optimizer sees, equal ones together. Costs nothing per layer. */
export const trainedTensors = onceForEach(listTrained);

function listTrained(model: Architecture, holding: Holding): readonly TrainedTensor[] {
  const found: TrainedTensor[] = [];
  const gatedExperts = hasGatedExperts(model);
  forEachTensor(model, (tensor, layers, stack) => {
    if (tensor.buffer === true || stack?.role === "mtp") return;
    // Gate and up of fused experts are one tensor, counted with up.
    const joined = tensor.kind === "expert" && tensor.role === "mlp-gate";
    if (holding.trainable(tensor) && !joined)
      found.push(weightTensor(tensor, layers, stack !== null, holding, gatedExperts));
    const adapter = holding.adapter(tensor);
    if (adapter !== null) found.push(...adapterTensors(tensor, layers, adapter));
  });
  return found;
}

function hasGatedExperts(model: Architecture): boolean {
  return model.stacks.some((s) =>
    s.kinds.some((k) => k.tensors.some((t) => t.kind === "expert" && t.role === "mlp-gate")),
  );
}

function weightTensor(
  tensor: Tensor,
  count: number,
  inLayer: boolean,
  holding: Holding,
  gatedExperts: boolean,
): TrainedTensor {
  const parts = gatedExperts && tensor.kind === "expert" && tensor.role === "mlp-up" ? 2 : 1;
  const matrix = tensor.shape.length >= 2;
  const columns = tensor.shape[tensor.shape.length - 1]!;
  const each = tensorElements(tensor);
  return {
    elements: parts * each * tensor.copies,
    rows: matrix ? (parts * each) / columns : 1,
    columns,
    matrices: tensor.copies,
    count,
    width: holding.width(tensor),
    hiddenMatrix: inLayer && matrix,
    expert: tensor.group === "experts",
  };
}

/** A and B of a linear; for fused experts the two hold all of them. */
function adapterTensors(tensor: Tensor, count: number, adapter: AdapterUse): TrainedTensor[] {
  const [outDim, inDim] = tensor.shape as readonly [number, number];
  const { width } = adapter;
  const expert = tensor.group === "experts";
  const down = adapter.rank * inDim * tensor.copies;
  const rest = adapter.parameters - down;
  const vector = adapter.dora ? outDim : 0;
  const parts: TrainedTensor[] = [
    factorTensor(down, { rows: down / inDim, columns: inDim, hiddenMatrix: true }),
    factorTensor(rest - vector, { rows: outDim, columns: (rest - vector) / outDim, hiddenMatrix: true }),
  ];
  if (vector > 0) parts.push(factorTensor(vector, { rows: 1, columns: vector, hiddenMatrix: false }));
  return parts;

  function factorTensor(
    elements: number,
    shape: Pick<TrainedTensor, "rows" | "columns" | "hiddenMatrix">,
  ): TrainedTensor {
    const { rows, columns, hiddenMatrix } = shape;
    return { elements, rows, columns, matrices: 1, count, width, hiddenMatrix, expert };
  }
}
