/** Which files of a directory or repository hold the model's weights. */
export type WeightFiles =
  | { readonly kind: "index"; readonly index: string }
  | { readonly kind: "shards"; readonly shards: readonly string[] }
  | { readonly kind: "pytorch-index"; readonly index: string }
  /** Nothing that can be read; `reason` and `hint` complete a sentence. */
  | {
      readonly kind: "none";
      readonly reason: string;
      readonly hint: string;
      /** A file that a set of shards lacks: the files are a model's, and not all of it. */
      readonly missing?: string;
    };

const SHARD_NAME = /^(.*)-(\d{5})-of-(\d{5})\.safetensors$/s;

/**
 * Chooses by name, in the order of transformers 5.18 (`modeling_utils.py`): model.safetensors, then its
 * index, then the PyTorch index. Where these are absent, a complete set of numbered shards or a single
 * safetensors file will do; a LoRA adapter is not a model.
 *
 * @param names plain file names, in any order
 */
export function chooseWeightFiles(names: readonly string[]): WeightFiles {
  const has = new Set(names);
  if (has.has("model.safetensors")) return { kind: "shards", shards: ["model.safetensors"] };
  if (has.has("model.safetensors.index.json"))
    return { kind: "index", index: "model.safetensors.index.json" };
  const indexes = names.filter((name) => /\.safetensors\.index(\.[\w-]+)?\.json$/.test(name));
  if (indexes.length === 1) return { kind: "index", index: indexes[0]! };
  const files = names.filter((name) => name.endsWith(".safetensors") && !name.startsWith("adapter_"));
  if (indexes.length === 0 && files.length === 1 && !SHARD_NAME.test(files[0]!))
    return { kind: "shards", shards: files };
  if (indexes.length === 0 && files.length > 0) return chooseShards(files, has);
  if (indexes.length > 1) return several(indexes);
  if (has.has("pytorch_model.bin.index.json"))
    return { kind: "pytorch-index", index: "pytorch_model.bin.index.json" };
  return {
    kind: "none",
    reason: names.some((name) => name.startsWith("adapter_"))
      ? "it holds an adapter but not the model"
      : "it holds no safetensors file",
    hint: "give a directory with model.safetensors, or a .gguf file",
  };
}

function chooseShards(files: readonly string[], has: ReadonlySet<string>): WeightFiles {
  const sets = new Map<string, readonly [prefix: string, count: string]>();
  for (const file of files) {
    const match = SHARD_NAME.exec(file);
    if (match === null) return several(files);
    sets.set(`${match[1]}-${match[3]}`, [match[1]!, match[3]!]);
  }
  const [only, second] = sets.values();
  if (only === undefined || second !== undefined) return several(files);
  const [prefix, count] = only;
  for (const name of shardNames(prefix, count))
    if (!has.has(name))
      return { kind: "none", reason: `${name} is missing`, hint: "download all shards", missing: name };
  return { kind: "shards", shards: files };
}

const shardNames = (prefix: string, count: string): string[] =>
  Array.from(
    { length: Number(count) },
    (_, i) => `${prefix}-${String(i + 1).padStart(5, "0")}-of-${count}.safetensors`,
  );

/**
 * The names of all shards of the set that a file is one of; null for any other name.
 *
 * @example shardSet("model-00002-of-00002.safetensors") // ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
 */
export function shardSet(fileName: string): readonly string[] | null {
  const match = SHARD_NAME.exec(fileName);
  if (match === null) return null;
  const names = shardNames(match[1]!, match[3]!);
  return names.includes(fileName) ? names : null;
}

function several(files: readonly string[]): WeightFiles {
  const shown = files.slice(0, 5).join(", ");
  return {
    kind: "none",
    reason: `it holds several models: ${shown}${files.length > 5 ? " and more" : ""}`,
    hint: "give the path of one",
  };
}
