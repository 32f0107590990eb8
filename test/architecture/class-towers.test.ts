import { describe, expect, test } from "vitest";
import type { Architecture, LayerKind } from "../../src/architecture/model.ts";
import { readArchitecture } from "../../src/architecture/registry.ts";
import { formatCount } from "../../src/units.ts";
import vectors from "../vectors/parameters-classes-towers.json" with { type: "json" };

/** Layers, elements of the convolution's columns, recurrent elements, key and value elements per token. */
type StateRun = readonly [layers: number, conv: number, recurrent: number, perToken: number];

interface Row {
  readonly config: Readonly<Record<string, unknown>>;
  readonly total: number;
  readonly stored: number;
  readonly tied: boolean;
  readonly state?: readonly StateRun[];
}
const rows = vectors.rows as unknown as readonly Row[];

/** What one layer keeps, as the reference counts it; null for a layer that reads an earlier layer's keys. */
function stateOf(kind: LayerKind): [number, number, number] | null {
  const state: [number, number, number] = [0, 0, 0];
  for (const mixer of kind.mixers) {
    switch (mixer.kind) {
      case "attention":
        if (mixer.cache === "shared") return null;
        if (mixer.cache === "own") state[2] += mixer.kvHeads * (mixer.keyDim + mixer.valueDim);
        break;
      case "latent":
        state[2] += mixer.latentDim + mixer.ropeDim;
        break;
      case "recurrent":
        state[0] += mixer.convChannels * mixer.convKernel;
        state[1] += mixer.stateElements;
        break;
      case "conv":
        state[0] += mixer.channels * mixer.kernel;
        break;
      case "compressed":
        throw new Error("no class here has one");
    }
  }
  return state;
}

function stateRuns(model: Architecture): StateRun[] {
  const stack = model.stacks.find((each) => each.role === "decoder")!;
  const runs: [number, number, number, number][] = [];
  for (const run of stack.runs) {
    const state = stateOf(stack.kinds[run.kind]!);
    if (state === null) continue;
    const last = runs[runs.length - 1];
    if (last !== undefined && state.every((n, i) => n === last[i + 1])) last[0] += run.count;
    else runs.push([run.count, ...state]);
  }
  return runs;
}

function titleOf(row: Row): string {
  const settings = JSON.stringify(row.config).replace(
    /"(model_type|architectures)":("[^"]*"|\[[^\]]*\]),?/g,
    "",
  );
  return `${(row.config.architectures as string[])[0]} ${settings.slice(0, 120)}: ${formatCount(row.total)}`;
}

describe("classes with recurrent layers, towers, encoders: parameters equal what the class allocates", () => {
  test.for(rows.map((row) => ({ row, title: titleOf(row) })))("$title", ({ row }) => {
    const model = readArchitecture(row.config, "config.json");
    expect(model.parameters.total).toBe(row.total);
    expect(model.parameters.stored).toBe(row.stored);
    expect(model.tied).toBe(row.tied);
    if (row.state !== undefined) expect(stateRuns(model)).toEqual(row.state);
  });
});
