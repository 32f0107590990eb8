import { describe, expect, test } from "vitest";
import { catalogueArchitecture, findCatalogueEntry } from "../../src/architecture/catalogue.ts";
import { type TrainResult, train } from "../../src/estimate/train.ts";
import { trainReliefs } from "../../src/estimate/train-reliefs.ts";
import type { TrainRequest } from "../../src/estimate/train-request.ts";

const llama = catalogueArchitecture(findCatalogueEntry("llama-3.1-8b")!.entry);
/** 32 layers of 218,112,000 parameters; embedding, head and last norm: 2 x 525,336,576 + 4096. */
const LAYER = 218_112_000 * 2;
const ROOT = (2 * 525_336_576 + 4096) * 2;
const T = 4096;
const HIDDEN = T * 4096 * 2;

const at = (result: TrainResult, phase: string, id: string): number =>
  result.devices[0]!.phases.find((p) => p.phase === phase)!.terms.find((t) => t.id === id)?.bytes ?? 0;
const run = (request: TrainRequest): TrainResult =>
  train(llama, {
    method: "lora",
    attention: "flash",
    checkpointing: "full",
    seqTokens: T,
    ...request,
    parallel: { dp: 2, sharding: "fsdp", ...request.parallel },
  });

describe("FSDP1", () => {
  const whole = (request: TrainRequest): number[] =>
    ["forward", "loss-backward", "layer-backward"].map(
      (phase) => (at(run(request), phase, "communication") - ROOT) / LAYER,
    );
  // A layer of adapters that all-linear trains: 1.3 M parameters, reduced in the layer's turn.
  const reduced = 0.02;

  test("has no layer whole in head and loss, the last one in their backward, two in a layer's", () => {
    const [forward, loss, layer] = whole({});
    expect(forward).toBeCloseTo(0, 6);
    expect(loss).toBeCloseTo(1, 6);
    expect(layer).toBeGreaterThanOrEqual(2);
    expect(layer).toBeLessThan(2 + reduced);
  });

  test("gathers nothing ahead where reentrant checkpoints lie around its units: 0, 0 and 1", () => {
    const [forward, loss, layer] = whole({ transformers: "4.45" });
    expect(forward).toBeCloseTo(0, 6);
    expect(loss).toBeCloseTo(0, 6);
    expect(layer).toBeGreaterThanOrEqual(1);
    expect(layer).toBeLessThan(1 + reduced);
    expect(whole({ transformers: "4.45", checkpointing: "none" })[1]).toBeCloseTo(1, 6);
  });

  test("then holds every frozen layer's input and its gradient to the end of backward: 63 x 4096 x 4096 x 2 B instead of 32", () => {
    const kept = (request: TrainRequest): number => at(run(request), "layer-backward", "activations");
    const old: TrainRequest = { transformers: "4.45" };
    expect(kept(old) - kept({ ...old, parallel: { sharding: "fsdp2" } })).toBe(31 * HIDDEN);
    expect(kept(old) - kept({ transformers: "5.0" })).toBe(31 * HIDDEN);
    // What trains has a hook of its own, and one device no FSDP.
    const full: TrainRequest = { ...old, method: "full" };
    expect(kept(full)).toBe(kept({ ...full, parallel: { sharding: "fsdp2" } }));
    expect(at(run(old), "end-of-backward", "activations")).toBeGreaterThan(64 * HIDDEN);
    // Checkpoints on the host come back to stay, each with its gradient: 2 x 31.
    const moved: TrainRequest = { ...old, checkpointing: "offload" };
    expect(kept(moved) - kept({ ...moved, parallel: { sharding: "fsdp2" } })).toBe(2 * 31 * HIDDEN);
    // Groups of one rank divide nothing.
    const copies: TrainRequest = { ...old, parallel: { dpReplicate: 2 } };
    expect(kept(copies)).toBe(kept({ ...copies, transformers: "5.0" }));
  });

  test("--reentrant-checkpoints off is among what lowers it, and does what 5.0 does by itself", () => {
    const old: TrainRequest = {
      method: "lora",
      attention: "flash",
      checkpointing: "full",
      loss: "fused",
      seqTokens: T,
      transformers: "4.45",
      parallel: { dp: 2, sharding: "fsdp" },
    };
    const other = train(llama, { ...old, reentrantCheckpoints: false }).totals.allocated.bytes;
    const relief = trainReliefs(llama, old).find(({ change }) => "reentrantCheckpoints" in change)!;
    expect(relief).toMatchObject({ change: { reentrantCheckpoints: "off" }, allocatedBytes: other });
    expect(other).toBe(
      train(llama, { ...old, transformers: "4.54", reentrantCheckpoints: false }).totals.allocated.bytes,
    );
    expect(relief.savedBytes / HIDDEN).toBeGreaterThan(15);
    const offered = (request: TrainRequest): boolean =>
      trainReliefs(llama, { ...old, ...request }).some(({ change }) => "reentrantCheckpoints" in change);
    expect(offered({ transformers: "5.0" })).toBe(false);
    expect(offered({ parallel: { dp: 2, sharding: "fsdp2" } })).toBe(false);
    expect(offered({ transformers: "5.0", reentrantCheckpoints: true })).toBe(true);
  });

  test("divides and gathers the packed values alone: 0.5 B per weight; scales stay whole on every rank", () => {
    const qlora: TrainRequest = { method: "qlora", transformers: "4.45" };
    const linears = 32 * (218_112_000 - 2 * 4096);
    // 1 B of each 64, 4 of each 64 x 256: fp32 of the second level; tables of 64 + 1024 + 4 B, in blocks: 2048 B each.
    const states = linears / 64 + (linears / 64 / 256) * 4 + 32 * 7 * 2048;
    const weights = (dp: number): number => at(run({ ...qlora, parallel: { dp } }), "forward", "weights");
    const divided = 2 * (weights(2) - weights(4)) * 2;
    expect(divided / (linears / 2 + ROOT + 65 * 4096 * 2)).toBeCloseTo(1, 4);
    expect((weights(2) - divided / 2) / states).toBeCloseTo(1, 3);
    const gathered = at(run(qlora), "layer-backward", "communication") - ROOT;
    expect(gathered / (linears / 32 / 2)).toBeGreaterThanOrEqual(1);
    expect(gathered / (linears / 32 / 2)).toBeLessThan(1.1);
  });

  test("reserves what backward gathers beside the peak in the loss, and a layer whose freeing waits for the card: 1 + 1 layers of reentrant checkpoints, 1 + 1 of others", () => {
    const pooled = (request: TrainRequest): number =>
      run(request).devices[0]!.terms.find(({ id }) => id === "allocator")!.inputs.pooled as number;
    expect(run({ transformers: "4.45" }).devices[0]!.winner).toBe("forward");
    expect(pooled({ transformers: "4.45" }) / LAYER).toBeCloseTo(2, 1);
    expect(pooled({ transformers: "5.0" }) / LAYER).toBeCloseTo(2, 1);
    // Layers that stay whole are part of the peak.
    expect(pooled({ parallel: { reshardAfterForward: false } }) / LAYER).toBeCloseTo(0, 1);
  });
});

describe("QLoRA over divided weights", () => {
  test("is not prepared, as TRL has it, and runs under autocast", () => {
    const asked = (sharding: "fsdp" | "fsdp2" | "zero3" | "zero2" | "ddp") =>
      run({ method: "qlora", parallel: { sharding } }).request;
    for (const sharding of ["fsdp", "fsdp2", "zero3"] as const)
      expect(asked(sharding)).toMatchObject({ kbitPreparation: false, precision: "amp-bf16" });
    for (const sharding of ["zero2", "ddp"] as const)
      expect(asked(sharding)).toMatchObject({ kbitPreparation: true, precision: "amp-bf16" });
    expect(run({ method: "qlora", kbitPreparation: true }).request.kbitPreparation).toBe(true);
    // One rank has nothing to divide, and --sharding does nothing there.
    for (const parallel of [{ dp: 1 }, { dp: 2, dpReplicate: 2 }])
      expect(run({ method: "qlora", parallel }).request.kbitPreparation).toBe(true);
  });
});
