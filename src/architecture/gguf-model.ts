/** The model that the header of a GGUF file describes: exact tensors, and mixers from its metadata. */
import { failGguf, type GgufModelFile, ggufKeys } from "./gguf-keys.ts";
import { ggufTensor, layerKind, layerSignature } from "./gguf-layer.ts";
import type { Architecture, Note, Stack, Tensor } from "./model.ts";
import { finishArchitecture } from "./parameters.ts";
import { stackOf } from "./stack.ts";

const MOST_LAYERS = 10_000;

const WITHOUT_HEAD = /bert|^t5encoder$|embedding$/;

/** Tensors by layer and by name in it. */
type Layers = Map<number, Map<string, readonly number[]>>;

const countOf = (layers: Layers): number => (layers.size === 0 ? 0 : Math.max(...layers.keys()) + 1);

/**
 * Builds the model of a GGUF file. Parameters are the tensors of the file, so they are exact whatever the
 * architecture; mixers follow from which tensors a layer has and from the metadata.
 *
 * @throws bad-config when a key that a present tensor needs is missing or impossible.
 * @example ggufArchitecture({ metadata: new Map([["general.architecture", "x"], ["x.embedding_length", 2]]), tensors: [{ name: "a", rowMajorShape: [2, 3] }] }, "x.gguf").parameters.total // 6
 */
export function ggufArchitecture(file: GgufModelFile, name: string): Architecture {
  const keys = ggufKeys(file, name);
  const decoder: Layers = new Map();
  const encoder: Layers = new Map();
  const outside: Tensor[] = [];
  for (const { name: full, rowMajorShape } of file.tensors) {
    const match = /^(enc\.|dec\.)?blk\.(\d+)\.(.+)$/.exec(full);
    if (match === null) {
      if (!full.startsWith("rope_f"))
        outside.push(ggufTensor(full, rowMajorShape, { inLayer: false, active: 1 }));
      continue;
    }
    const layers = match[1] === "enc." ? encoder : decoder;
    const index = Number(match[2]);
    if (index >= MOST_LAYERS) failGguf(name, full, `at most ${MOST_LAYERS} layers`);
    let layer = layers.get(index);
    if (layer === undefined) {
      layer = new Map();
      layers.set(index, layer);
    }
    layer.set(match[3]!, rowMajorShape);
  }
  const hiddenSize =
    keys.int("embedding_length") ?? failGguf(name, `${keys.arch}.embedding_length`, "a whole number");
  const mtpLayers = Math.min(countOf(decoder), keys.int("nextn_predict_layers") ?? 0);
  const active = keys.int("expert_used_count") ?? 1;
  const stackAt = (role: "decoder" | "encoder" | "mtp", first: number, n: number): Stack => {
    const layers = role === "encoder" ? encoder : decoder;
    const at = (i: number) => layers.get(first + i) ?? new Map<string, readonly number[]>();
    return stackOf({
      role,
      prefix: role === "encoder" ? "enc.blk" : encoder.size > 0 ? "dec.blk" : "blk",
      hiddenSize,
      layers: n,
      keyOf: (i) => layerSignature(at(i), keys, first + i),
      build: (i) => layerKind(at(i), { keys, index: first + i, active, name, encoder: role === "encoder" }),
    });
  };
  const maxContextTokens = keys.int("context_length");
  const embedding = outside.find((tensor) => tensor.role === "embedding");
  const notes: Note[] = [];
  return finishArchitecture(
    {
      family: keys.arch,
      modelType: keys.arch,
      hiddenSize,
      vocabSize: embedding?.shape[0] ?? file.vocabularyTokens ?? keys.int("vocab_size") ?? 0,
      // An encoder has no head to tie.
      tied: !WITHOUT_HEAD.test(keys.arch) && !outside.some((tensor) => tensor.role === "head"),
      ...(maxContextTokens === undefined || maxContextTokens === 0 ? {} : { maxContextTokens }),
      norm: "rms",
      stacks: [
        ...(encoder.size > 0 ? [stackAt("encoder", 0, countOf(encoder))] : []),
        ...(encoder.size > 0 && decoder.size === 0
          ? []
          : [stackAt("decoder", 0, countOf(decoder) - mtpLayers)]),
        ...(mtpLayers > 0 ? [stackAt("mtp", countOf(decoder) - mtpLayers, mtpLayers)] : []),
      ],
      tensors: outside,
      notes,
    },
    name,
  );
}
