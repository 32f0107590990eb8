import type { ConfigReader, Keys } from "./config-reader.ts";
import type { AttentionMixer } from "./mixers/mixer.ts";
import type { Architecture, LayerKind, Run, Stack, StackRole, Tensor } from "./model.ts";

/** Whether layers of that role read the tokens of a text; towers read images or sound. */
export const readsText = (role: StackRole): boolean => role === "decoder" || role === "encoder";

/** Whether layers of that role are a tower's. */
export const isTower = (role: StackRole): boolean => role === "vision" || role === "audio";

/** What belongs to a vision or audio tower, or to what joins it to the language model. */
export const inTower = ({ group }: Pick<Tensor, "group">): boolean =>
  group === "vision" || group === "audio" || group === "projector";

/**
 * Whether a model has layers and no decoder among them: it reads all positions at once, keeps nothing and generates
 * nothing. Of a model without layers, known by its tensors alone, nobody can say that.
 */
export const isEncoder = ({ stacks }: Pick<Architecture, "stacks">): boolean =>
  stacks.length > 0 && !stacks.some(({ role }) => role === "decoder");

/** Whether a model has a head over its vocabulary, its own or the embedding's: not those that score or embed a text. */
export const hasVocabularyHead = (model: Architecture): boolean =>
  model.tied ||
  model.tensors.some(
    // A rank's share of such a head has fewer rows; those of speech are whole on every rank.
    ({ group, split, shape }) => group === "lm-head" && (split === "vocab" || shape[0] === model.vocabSize),
  );

/**
 * Positions of each text that the head over the vocabulary reads: all that an encoder read, none without such a head.
 *
 * @example headPositions(llama_3_1_8b, { ofEncoder: 512, ofDecoder: 1 }) // 1
 */
export function headPositions(
  model: Architecture,
  { ofEncoder, ofDecoder }: { readonly ofEncoder: number; readonly ofDecoder: number },
): number {
  if (!hasVocabularyHead(model)) return 0;
  return isEncoder(model) ? ofEncoder : ofDecoder;
}

export interface StackSpec {
  readonly role: StackRole;
  readonly prefix: string;
  readonly hiddenSize: number;
  readonly layers: number;
  readonly repeats?: number;
  /** A key that is equal for equal layers; absent when all are. */
  readonly keyOf?: (layer: number) => string;
  /** Builds the layer, called once per distinct key with the first index that has it. */
  readonly build: (layer: number) => LayerKind;
}

/** Builds each distinct layer once and records how the layers follow each other. */
export function stackOf(spec: StackSpec): Stack {
  const { keyOf, build, layers, ...rest } = spec;
  if (layers === 0) return { ...rest, kinds: [], counts: [], runs: [] };
  if (keyOf === undefined)
    return { ...rest, kinds: [build(0)], counts: [layers], runs: [{ kind: 0, count: layers }] };
  const kinds: LayerKind[] = [];
  const counts: number[] = [];
  const runs: { kind: number; count: number }[] = [];
  const indexOf = new Map<string, number>();
  for (let layer = 0; layer < layers; layer++) {
    const key = keyOf(layer);
    let kind = indexOf.get(key);
    if (kind === undefined) {
      kind = kinds.length;
      indexOf.set(key, kind);
      kinds.push(build(layer));
      counts.push(0);
    }
    counts[kind]!++;
    const last = runs[runs.length - 1];
    if (last?.kind === kind) last.count++;
    else runs.push({ kind, count: 1 });
  }
  return { ...rest, kinds, counts, runs: runs satisfies Run[] };
}

/** Layers of a kind as often as they run: each turn of a layer keeps a cache of its own. */
export function turnsOf(stack: Stack, kind: number): number {
  return stack.counts[kind]! * (stack.repeats ?? 1);
}

/** True when some layer routes its tokens to experts. */
export const hasExperts = (model: Architecture): boolean =>
  model.stacks.some(({ kinds }) => kinds.some(({ feedForward }) => feedForward.kind === "experts"));

/** The decoder's mixers that attend to an encoder or to images. */
export const crossAttention = (model: Architecture): readonly AttentionMixer[] =>
  model.stacks
    .filter(({ role }) => role === "decoder")
    .flatMap(({ kinds }) => kinds.flatMap(({ mixers }) => mixers))
    .filter((mixer) => mixer.kind === "attention")
    .filter(({ cache }) => cache === "cross");

/** Number of layers in the stack, repeats not counted. */
export function layerCount(stack: Stack): number {
  return stack.counts.reduce((sum, n) => sum + n, 0);
}

/**
 * The list under `layer_types` (or an alias), checked against the layer count.
 *
 * @throws bad-config when it is shorter than the stack.
 */
export function layerTypes(
  config: ConfigReader,
  layers: number,
  keys: readonly string[] = ["layer_types"],
  allowed?: readonly string[],
): readonly string[] | undefined {
  const types = config.texts(keys);
  if (types === undefined) return undefined;
  const key = keys.find((name) => config.has(name)) ?? keys[0]!;
  if (types.length < layers) config.fail(key, `a list of ${layers} layer kinds`);
  for (let layer = 0; allowed !== undefined && layer < layers; layer++) {
    if (!allowed.includes(types[layer]!)) config.fail(key, `entries ${allowed.join(" or ")}`);
  }
  return types;
}

/** The key that counts, if a list stands under it: what `layerInts` reads then differs by layer. */
export function listKey(config: ConfigReader, keys: Keys): string | undefined {
  const names = typeof keys === "string" ? [keys] : keys;
  const key = names.find((name) => config.has(name));
  return key !== undefined && Array.isArray(config.raw[key]) ? key : undefined;
}

/**
 * A size that is one number or a list with one number per layer.
 *
 * @throws bad-config when the list is shorter than the stack or an entry is not a whole number from 1.
 */
export function layerInts(
  config: ConfigReader,
  keys: Keys,
  layers: number,
  fallback?: number,
): (layer: number) => number {
  const key = listKey(config, keys);
  if (key === undefined) {
    const one = config.int(keys, fallback);
    return () => one;
  }
  const list = config.ints(key);
  if (list === undefined || list.length < layers || list.slice(0, layers).includes(0))
    config.fail(key, `a number, or a list of ${layers} numbers from 1`);
  return (layer) => list[layer]!;
}
