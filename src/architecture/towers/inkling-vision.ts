/** Inkling's encoder of images: patches folded step by step into one vector, a linear at each step, no attention. */
import type { ConfigReader } from "../config-reader.ts";
import type { Tensor } from "../model.ts";
import { linear, norm } from "../tensors.ts";
import { inGroup } from "./tower.ts";

function primeFactors(n: number): number[] {
  const found: number[] = [];
  let rest = n;
  for (let p = 2; p * p <= rest; p++)
    while (rest % p === 0) {
      found.push(p);
      rest /= p;
    }
  return rest > 1 ? [...found, rest] : found;
}

/** A stage of the encoder of images: patches folded so far, and channels. */
type Scale = readonly [folded: number, channels: number];

/**
 * Patches fold by the prime factors of their side, largest first, then of their frames; channels grow with what they
 * hold, in multiples of 64, and over frames, as the class of transformers 5.18 has it, to 64 times that. Layers take the scales nearest to a geometric progression: each its own nearest, or, where
 * there are fewer layers than scales, in order and each another so that the sum of distances is least.
 */
function scalesOf(side: number, frames: number, layers: number, channels: number): readonly Scale[] {
  const products = (n: number): number[] => {
    let product = 1;
    return primeFactors(n)
      .reverse()
      .map((factor) => (product *= factor));
  };
  const of = (folded: number): Scale => [folded, Math.ceil((folded * channels) / 64) * 64];
  const over = (t: number): Scale => [side * side * t, side * side * channels * t * 64];
  const scales: readonly Scale[] = [
    [1, channels],
    ...products(side).map((h) => of(h * h)),
    ...products(frames).map(over),
  ];
  const step = Math.log(side * side * frames * channels) / layers;
  const cost = (at: number, column: number): number => Math.abs(at * step - Math.log(scales[column]![0]));
  const chosen =
    layers >= scales.length ? nearest(layers, scales.length, cost) : inOrder(layers, scales.length, cost);
  chosen[0] = 0;
  chosen[layers] = scales.length - 1;
  return chosen.map((column) => scales[column]!);
}

type Cost = (row: number, column: number) => number;

const nearest = (layers: number, columns: number, cost: Cost): number[] =>
  Array.from({ length: layers + 1 }, (_, at) => {
    let best = 0;
    for (let column = 1; column < columns; column++) if (cost(at, column) < cost(at, best)) best = column;
    return best;
  });

/** Rows and columns both ascend, so the cheapest matching keeps their order. */
function inOrder(layers: number, columns: number, cost: Cost): number[] {
  let sums: { readonly sum: number; readonly path: readonly number[] }[] = Array.from(
    { length: columns },
    () => ({
      sum: 0,
      path: [],
    }),
  );
  for (let at = 0; at <= layers; at++) {
    let before = { sum: at === 0 ? 0 : Number.POSITIVE_INFINITY, path: [] as readonly number[] };
    sums = sums.map((previous, column) => {
      const here = { sum: before.sum + cost(at, column), path: [...before.path, column] };
      if (at > 0 && previous.sum < before.sum) before = { sum: previous.sum, path: previous.path };
      return here;
    });
  }
  return [...sums.reduce((best, each) => (each.sum < best.sum ? each : best)).path];
}

/** Linears over folded patches, a norm after each but the last. */
export function inklingVision(config: ConfigReader, prefix: string, textSize: number): Tensor[] {
  const layers = config.layers(["n_layers", "num_hidden_layers"], 24);
  if (layers < 1 || layers > 1000) config.fail("n_layers", "1 to 1,000 layers");
  const side = config.int("patch_size", 40);
  const frames = config.int("temporal_patch_size", 2);
  if (side < 2 || side > 10_000) config.fail("patch_size", "a side from 2 to 10,000");
  if (frames > 10_000) config.fail("temporal_patch_size", "at most 10,000 frames");
  const scales = scalesOf(side, frames, layers, config.int("num_channels", 3));
  return inGroup("vision", [
    ...scales.slice(1).flatMap(([folded, channels], i) => {
      const [before, from] = scales[i]!;
      const last = i === layers - 1;
      const outDim = last ? textSize : channels;
      const at = `${prefix}.encoder_layers.${i}`;
      return [
        ...linear({
          name: `${at}.projection`,
          role: "other",
          group: "vision",
          outDim,
          inDim: from * Math.floor(folded / before),
        }),
        ...(last ? [] : norm(`${at}.layer_norm`, outDim)),
      ];
    }),
    ...norm(`${prefix}.final_norm`, textSize),
  ]);
}
