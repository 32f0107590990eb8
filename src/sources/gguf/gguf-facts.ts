/** What the metadata of a GGUF file says of the model, for people. */
import { FILE_TYPES } from "../../quantization/gguf/file-types.ts";
import type { Bytes } from "../../units.ts";
import type { GgufFile } from "./gguf-file.ts";

/** Null where the file does not say. */
export interface GgufFacts {
  readonly version: number;
  readonly littleEndian: boolean;
  readonly alignment: Bytes;
  readonly architecture: string | null;
  readonly name: string | null;
  readonly sizeLabel: string | null;
  /** Name of `general.file_type`: "q4_k_m". */
  readonly fileType: string | null;
  readonly quantizationVersion: number | null;
  readonly contextTokens: number | null;
  readonly ropeBase: number | null;
  readonly ropeDimensions: number | null;
  /** `rope.scaling.type` and its factor. */
  readonly ropeScaling: string | null;
  readonly ropeScalingFactor: number | null;
  readonly tokenizer: string | null;
  readonly tokenizerPre: string | null;
  readonly tokens: number | null;
}

const LONGEST_SHOWN = 80;

/** What a file says of itself, for people: name, type, tokenizer, context. */
export function ggufFacts(file: GgufFile): GgufFacts {
  const text = (key: string): string | null => {
    const value = file.metadata.get(key);
    return typeof value === "string" && value !== "" ? value.slice(0, LONGEST_SHOWN) : null;
  };
  const number = (key: string): number | null => {
    const value = file.metadata.get(key);
    return typeof value === "number" ? value : null;
  };
  const architecture = text("general.architecture");
  const fileType = number("general.file_type");
  const typeName = [...FILE_TYPES.values()].find(({ id }) => id === fileType)?.name;
  return {
    version: file.version,
    littleEndian: file.littleEndian,
    alignment: file.alignment,
    architecture,
    name: text("general.name"),
    sizeLabel: text("general.size_label"),
    fileType: fileType === null ? null : (typeName?.replace(/^gguf_/, "") ?? `type ${fileType}`),
    quantizationVersion: number("general.quantization_version"),
    contextTokens: number(`${architecture}.context_length`),
    ropeBase: number(`${architecture}.rope.freq_base`),
    ropeDimensions: number(`${architecture}.rope.dimension_count`),
    ropeScaling: text(`${architecture}.rope.scaling.type`),
    ropeScalingFactor: number(`${architecture}.rope.scaling.factor`),
    tokenizer: text("tokenizer.ggml.model"),
    tokenizerPre: text("tokenizer.ggml.pre"),
    tokens: file.vocabularyTokens,
  };
}
