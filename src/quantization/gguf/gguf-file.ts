import type { Architecture } from "../../architecture/model.ts";
import { inTower, isTower } from "../../architecture/stack.ts";
import { nearestNames, VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import { schemeBytes } from "../assignment.ts";
import { FILE_TYPES, type FileType, findFileType } from "./file-types.ts";
import { type GgufOptions, ggufScheme } from "./gguf-scheme.ts";
import { metadataBytes, TOKENIZER_KINDS, type TokenizerKind, usualTokenizer } from "./tokenizer-metadata.ts";

export interface GgufFileOptions extends GgufOptions {
  /** Tokenizer that the file carries. Default: what models of this vocabulary usually have. */
  readonly tokenizer?: TokenizerKind;
}

export interface GgufFileBytes {
  /** Of the tensors, as the recipe chooses their types. */
  readonly tensorBytes: Bytes;
  /** Of the header: an estimate, nearly all tokenizer. */
  readonly metadataBytes: Bytes;
  readonly fileBytes: Bytes;
}

/**
 * Size of the text model's GGUF file of a type. Towers live in a file of their own and are left out, as are
 * MTP layers.
 *
 * @throws unknown-name for a file type or tokenizer that is none.
 * @example ggufFileBytes(llama_3_1_8b, "Q4_K_M").tensorBytes // 4_912_898_304; the published file has 4,920,739,232 with its 7,823,616 of metadata
 */
export function ggufFileBytes(
  model: Architecture,
  fileType: string,
  options: GgufFileOptions = {},
): GgufFileBytes {
  const { tokenizer, ...recipe } = options;
  const kind = tokenizer ?? usualTokenizer(model);
  if (!TOKENIZER_KINDS.includes(kind)) {
    throw new VramCalcError("unknown-name", {
      kind: "tokenizer kind",
      name: kind,
      nearest: nearestNames(kind, TOKENIZER_KINDS),
    });
  }
  const scheme = ggufScheme(fileTypeByName(fileType), recipe);
  const tensorBytes = schemeBytes(textModel(model), scheme, { mtp: false });
  const header = metadataBytes(model, kind);
  return { tensorBytes, metadataBytes: header, fileBytes: tensorBytes + header };
}

function fileTypeByName(name: string): FileType {
  const fileType = findFileType(name);
  if (fileType !== undefined) return fileType;
  throw new VramCalcError("unknown-name", {
    kind: "GGUF file type",
    name,
    nearest: nearestNames(name.replaceAll("-", "_"), FILE_TYPES.keys()),
    ...(/^ud[-_]/i.test(name) ? { hint: "UD- files follow no fixed recipe: give the .gguf file" } : {}),
  });
}

/** Without towers and projectors. */
function textModel(model: Architecture): Architecture {
  return {
    ...model,
    stacks: model.stacks.filter(({ role }) => !isTower(role)),
    tensors: model.tensors.filter((tensor) => !inTower(tensor)),
  };
}
