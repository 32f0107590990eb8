/** A model as a folder of files: a directory, or a hub repository at one commit. */
import type { Architecture, Note } from "../architecture/model.ts";
import { VramCalcError } from "../errors.ts";
import type { WeightStorage } from "../quantization/storage.ts";
import type { ByteSource } from "./bytes/byte-source.ts";
import { configArchitecture } from "./config-architecture.ts";
import { parseJson } from "./json/parse-json.ts";
import { type LoadedModel, type LoadOptions, MOST_CONFIG_BYTES, type SourceKind } from "./load-model.ts";
import { publishedStorage, QUANTIZATION_FILES, storageOfToolFile } from "./published-storage.ts";
import { ggufStored, storedOf } from "./stored-files.ts";
import { type StoredFiles, storedWeights } from "./stored-weights.ts";

export interface ModelFolder {
  /** What messages call it. */
  readonly name: string;
  readonly source: SourceKind;
  /** Plain names of the files in it. */
  readonly fileNames: readonly string[];
  readonly open: (fileName: string) => Promise<ByteSource>;
  readonly readText: (fileName: string, maxBytes: number) => Promise<string>;
}

/** A model whose files are `folder`: its config.json, and the headers of its weights when they are there. */
export async function loadFolder(folder: ModelFolder, options: LoadOptions): Promise<LoadedModel> {
  if (!folder.fileNames.includes("config.json")) return loadWithoutConfig(folder, options);
  const value = await readConfigFile(folder, "config.json");
  const architecture = await configArchitecture(value, nameIn(folder, "config.json"), options);
  const { chooseWeightFiles } = await import("./safetensors/weight-files.ts");
  const weights = chooseWeightFiles(folder.fileNames);
  if (weights.kind === "none") {
    if (weights.missing === undefined) {
      const only = await configOnly(folder, value, architecture);
      return folder.fileNames.some((name) => name.endsWith(".safetensors") && !name.startsWith("adapter_"))
        ? { ...only, notes: [...only.notes, unreadWeights(weights.reason, weights.hint)] }
        : only;
    }
    throw new VramCalcError("unreadable-path", {
      path: nameIn(folder, weights.missing),
      reason: "there is no such file beside the other shards",
      hint: "download all shards, or give config.json alone",
    });
  }
  const { readCheckpointAt } = await import("./safetensors/read-checkpoint.ts");
  const read = await readCheckpointAt({ name: folder.name, fileNames: folder.fileNames, open: folder.open });
  return withStored(folder, architecture, storedOf(read), read.kind === "totals" ? PYTORCH_NOTES : [], value);
}

/** One weight file, and the config.json beside it. */
export async function loadWeightFile(
  folder: ModelFolder,
  fileName: string,
  options: LoadOptions,
): Promise<LoadedModel> {
  const { readWeightFile } = await import("./safetensors/read-checkpoint.ts");
  const read = await readWeightFile(fileName, folder.open);
  const stored = storedOf(read);
  const notes = read.kind === "totals" ? PYTORCH_NOTES : [];
  if (folder.fileNames.includes("config.json")) {
    const value = await readConfigFile(folder, "config.json");
    return withStored(
      folder,
      await configArchitecture(value, nameIn(folder, "config.json"), options),
      stored,
      notes,
      value,
    );
  }
  if (read.kind === "totals") {
    throw new VramCalcError("unreadable-path", {
      path: nameIn(folder, "config.json"),
      reason: "an index of PyTorch files gives totals only and no config.json lies beside it",
      hint: "put the model's config.json beside it",
    });
  }
  const { tensorsArchitecture } = await import("../architecture/tensors-only.ts");
  return withStored(folder, tensorsArchitecture(read.tensors), stored, notes);
}

/** A GGUF file, or any of its splits. */
export async function loadGguf(folder: ModelFolder, fileName: string): Promise<LoadedModel> {
  const { readGgufAt } = await import("./gguf/read-gguf.ts");
  const { ggufArchitecture } = await import("../architecture/gguf-model.ts");
  const file = await readGgufAt({ fileName, open: folder.open });
  const architecture = ggufArchitecture(file, nameIn(folder, fileName));
  const { ggufFacts } = await import("./gguf/gguf-facts.ts");
  const loaded: LoadedModel = {
    ...withStored(
      { ...folder, source: folder.source === "hub" ? "hub" : "gguf" },
      architecture,
      ggufStored(file),
      [],
    ),
    gguf: ggufFacts(file),
  };
  if (folder.source === "hub") return loaded;
  const projector = folder.fileNames.find((other) => /mmproj.*\.gguf$/i.test(other) && other !== fileName);
  const notes =
    projector === undefined ? loaded.notes : [...loaded.notes, besideIt(nameIn(folder, projector))];
  const name = file.metadata.get("general.name");
  return { ...loaded, notes, id: typeof name === "string" && name !== "" ? name.slice(0, 80) : fileName };
}

async function loadWithoutConfig(folder: ModelFolder, options: LoadOptions): Promise<LoadedModel> {
  const { listGgufChoices } = await import("./hub/gguf-choice.ts");
  const choices = listGgufChoices(folder.fileNames.map((path) => ({ path, size: null })));
  if (choices.length === 1) return loadGguf(folder, choices[0]!.files[0].path);
  if (choices.length > 1) {
    throw new VramCalcError("unreadable-path", {
      path: folder.name,
      reason: `it holds ${choices.length} GGUF models`,
      hint: `name one of them: ${choices
        .slice(0, 6)
        .map((choice) => choice.files[0].path)
        .join(", ")}`,
    });
  }
  const { adapterRefusal, isAdapterFolder } = await import("./adapter-folder.ts");
  if (isAdapterFolder(folder.fileNames)) throw await adapterRefusal(folder);
  const { chooseWeightFiles } = await import("./safetensors/weight-files.ts");
  const weights = chooseWeightFiles(folder.fileNames);
  if (weights.kind === "shards") return loadWeightFile(folder, weights.shards[0]!, options);
  if (weights.kind === "index") return loadWeightFile(folder, weights.index, options);
  const single = folder.fileNames.filter((file) => file.endsWith(".safetensors"));
  if (single.length === 1) return loadWeightFile(folder, single[0]!, options);
  if (folder.fileNames.includes("model_index.json"))
    throw new VramCalcError("unreadable-path", {
      path: folder.name,
      reason: "it holds a diffusion pipeline, which is not sized",
      hint: `its text encoder is: ${nameIn(folder, "text_encoder")}`,
    });
  throw new VramCalcError("unreadable-path", {
    path: nameIn(folder, "config.json"),
    reason: "there is no such file",
    hint: "a model directory holds a config.json, a .gguf or a .safetensors file",
  });
}

const besideIt = (projector: string): Note => ({
  code: "projector-beside",
  message: `an image projector lies beside the model and is not counted: --engine llama.cpp --mmproj ${projector} counts it`,
  details: { file: projector },
});

const unreadWeights = (reason: string, hint: string): Note => ({
  code: "weights-not-read",
  message: `sized from config.json alone, the weight files beside it were not read: ${reason}; ${hint}`,
});

const PYTORCH_NOTES: readonly Note[] = [
  {
    code: "pytorch-index",
    message:
      "weight bytes are the total that the index of the PyTorch files states; the files were not opened",
  },
];

async function configOnly(
  folder: ModelFolder,
  value: unknown,
  architecture: Architecture,
): Promise<LoadedModel> {
  const stored =
    (await publishedStorage(value, nameIn(folder, "config.json"))) ?? (await toolStorage(folder));
  const { namedFormatNote } = await import("./named-format.ts");
  const named = stored === undefined ? namedFormatNote(folder.name) : null;
  return {
    id: modelId(folder, value),
    source: folder.source,
    architecture,
    config: value,
    ...(stored === undefined ? {} : { stored }),
    notes: named === null ? [] : [named],
  };
}

/** How a quantization tool's own file beside the config says the weights are stored. */
async function toolStorage(folder: ModelFolder): Promise<WeightStorage | undefined> {
  const file = QUANTIZATION_FILES.find((name) => folder.fileNames.includes(name));
  return file === undefined
    ? undefined
    : storageOfToolFile(await readConfigFile(folder, file), nameIn(folder, file));
}

function withStored(
  folder: ModelFolder,
  architecture: Architecture,
  stored: StoredFiles,
  notes: readonly Note[],
  config?: unknown,
): LoadedModel {
  const weights = storedWeights(stored, architecture);
  const storage: WeightStorage =
    stored.container === "pytorch" ? { ...weights.storage, id: "as stored" } : weights.storage;
  return {
    id: modelId(folder, null),
    source: folder.source === "hub" ? "hub" : stored.container === "gguf" ? "gguf" : "safetensors",
    architecture,
    stored: storage,
    files: stored,
    ...(config === undefined ? {} : { config }),
    notes: [...weights.notes, ...notes],
  };
}

async function readConfigFile(folder: ModelFolder, fileName: string): Promise<unknown> {
  return parseJson(await folder.readText(fileName, MOST_CONFIG_BYTES), nameIn(folder, fileName));
}

function nameIn(folder: ModelFolder, fileName: string): string {
  return folder.name === "" || folder.name === "."
    ? fileName
    : `${folder.name.replace(/[/\\]+$/, "")}/${fileName}`;
}

/** `_name_or_path` of the config when it names a model, else the folder. */
function modelId(folder: ModelFolder, value: unknown): string {
  const named = (value as { readonly _name_or_path?: unknown } | null)?._name_or_path;
  if (folder.source !== "hub" && typeof named === "string" && /^[\w.-]+\/[\w.-]+$/.test(named)) return named;
  return folder.source === "hub"
    ? folder.name
    : (folder.name.split(/[/\\]/).findLast((part) => part !== "" && part !== ".") ?? "model");
}
