import type { Architecture, LayerKind } from "../../architecture/model.ts";
import type { HoldingRequest } from "./holding.ts";
import type { KnownLayer, RecallLayer } from "./layer-spans.ts";
import { type LayersPart, layersPart, type PassRequest, type Segments, withLoss } from "./segments.ts";

/** Passes remembered of one model: what one question compares, and no more than a sweep may leave behind. */
const MOST = 8;

interface Known {
  readonly layers: Map<string, LayersPart>;
  readonly all: Map<string, Segments>;
}

const known = new WeakMap<Architecture, Known>();

/**
 * `segmentsOf`, remembered: requests that differ in checkpoints, optimizer or sharding run the same operations, and those
 * that differ in the loss the same layers. `asked` says what `request.holding` answers.
 */
export function knownSegments(model: Architecture, request: PassRequest, asked: HoldingRequest): Segments {
  let own = known.get(model);
  if (own === undefined) {
    own = { layers: new Map(), all: new Map() };
    known.set(model, own);
  }
  const { holding: _, loss, ends, ...pass } = request;
  const layerKey = JSON.stringify([pass, held(asked)]);
  const key = `${layerKey} ${ends.input} ${ends.output}`;
  const whole = `${key} ${JSON.stringify(loss)}`;
  return remembered(own.all, whole, () =>
    withLoss(
      model,
      request,
      remembered(own.layers, key, () => layersPart(model, request, recallLayer(layerKey))),
    ),
  );
}

const layers = new WeakMap<LayerKind, Map<string, KnownLayer>>();

/** Pipeline stages of one model have layers in common. */
const recallLayer =
  (pass: string): RecallLayer =>
  (kind, key, make) => {
    const own = layers.get(kind) ?? new Map<string, KnownLayer>();
    layers.set(kind, own);
    return remembered(own, `${pass} ${key}`, make);
  };

/** What of the holding a pass can see; which weights are unfrozen follows from the model. */
const held = ({ method, width, packed, kbitPreparation, packedHead, lora }: HoldingRequest): unknown =>
  method === "full" || method === "freeze"
    ? [method, width]
    : [method, width, packed, kbitPreparation, packedHead, lora];

function remembered<T>(values: Map<string, T>, key: string, make: () => T): T {
  const found = values.get(key);
  if (found !== undefined) return found;
  if (values.size >= MOST) values.clear();
  const made = make();
  values.set(key, made);
  return made;
}
