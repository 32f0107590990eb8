/** What each GPU of a layout holds. */
import type { Architecture } from "../../architecture/model.ts";
import { countParameters } from "../../architecture/parameters.ts";
import { inTower, isTower } from "../../architecture/stack.ts";
import { sliceLayers } from "../../parallelism/layer-range.ts";
import { sameParts } from "../../parallelism/share.ts";
import { onceForEach } from "../../remember.ts";
import { withoutExperts } from "./offload.ts";
import { type PlacedLayers, type PlacementInput, placeLayers } from "./placement.ts";

interface Holding {
  /** Layers whose routed experts stay on the CPU. */
  readonly cut: number;
  /** The first GPU holds the tower. */
  readonly projector: boolean;
}

/** Slicing sums parameters anew, so a model is divided once in each way. `alike` holds the same layers but for their place. */
export const placedOn = onceForEach((model: Architecture, _key: string, layout: PlacementInput & Holding) => {
  const { cpu, devices } = placeLayers(layout);
  const held = devices.map((placed, index) =>
    heldBy(model, placed, { cut: layout.cut, projector: index === 0 && layout.projector }),
  );
  // The first GPU works for the CPU too.
  const alike = (index: number): number | null => {
    const first = index === 0 ? -1 : held.findIndex((other, i) => i > 0 && sameParts(other, held[index]!));
    return first < 0 || first === index ? null : first;
  };
  return {
    cpu,
    devices: devices.map((placed, index) => ({ placed, held: held[index]!, alike: alike(index) })),
  };
});

function heldBy(model: Architecture, placed: PlacedLayers, { cut, projector }: Holding): Architecture {
  const part = withPerLayerProjection(model, sliceLayers(model, { ...placed, input: false }), placed);
  const body = withoutExperts(part, Math.max(0, Math.min(placed.layers, cut - placed.firstLayer)));
  if (!projector) return body;
  const whole = {
    ...body,
    stacks: [...body.stacks, ...model.stacks.filter(({ role }) => isTower(role))],
    tensors: [...body.tensors, ...model.tensors.filter(inTower)],
  };
  return { ...whole, parameters: countParameters(whole) };
}

/** Gemma 3n and 4 E: the projection of the per-layer inputs is loaded with layer 0, their table stays on the CPU. */
function withPerLayerProjection(model: Architecture, part: Architecture, placed: PlacedLayers): Architecture {
  const more = model.tensors.filter(({ name }) => /\bper_layer_(model_)?proj/.test(name));
  if (more.length === 0 || placed.firstLayer > 0 || placed.layers === 0) return part;
  const tensors = [...part.tensors.filter((tensor) => !more.includes(tensor)), ...more];
  return { ...part, tensors, parameters: countParameters({ ...part, tensors }) };
}
