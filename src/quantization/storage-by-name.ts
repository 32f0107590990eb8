import { nearestNames, VramCalcError } from "../errors.ts";
import { findFormatId, formatByName, unknownFormat } from "../formats/format-names.ts";
import { STORAGE_FORMATS } from "../formats/storage-formats.ts";
import { schemeStorage } from "./assignment.ts";
import { formatsMeantBy } from "./everyday-words.ts";
import { FILE_TYPES, findFileType } from "./gguf/file-types.ts";
import { ggufScheme } from "./gguf/gguf-scheme.ts";
import { elementScheme, SCHEME_NAMES, schemeByName } from "./named-schemes.ts";
import { plainStorageByName, type WeightStorage } from "./storage.ts";

/** Names that stand for a way to store weights, for suggestions and completion. */
export const QUANTIZATION_NAMES: readonly string[] = [
  "fp32",
  "fp16",
  "bf16",
  ...SCHEME_NAMES,
  ...[...FILE_TYPES.keys()].filter((name) => !name.startsWith("gguf_")),
  "gguf_f16",
  "gguf_bf16",
];

/** Formats that hold shared scales and no weights. */
const SCALES: ReadonlySet<string> = new Set(["e8m0", "ue4m3"]);

/** Every name that weights may be asked for by, number formats among them, for completion. */
export const WEIGHT_FORMAT_NAMES: readonly string[] = [
  ...new Set([...QUANTIZATION_NAMES, ...[...STORAGE_FORMATS.keys()].filter((id) => !SCALES.has(id))]),
];

const known = new Map<string, WeightStorage>();
const MOST_KNOWN = 1000;

/**
 * The storage that a name asks for: an unscaled number format, a quantization method with its usual recipe,
 * a llama.cpp file type (with "-imatrix" when quantized with an importance matrix), or else any format of
 * elements of at most 8 bits, which the linears of the blocks are held in.
 *
 * Equal names give the same object, so that sums are kept between estimates.
 *
 * @throws unknown-name with the nearest names, bad-option for bits or groups that a method does not have.
 * @example storageByName("awq").bytesOf(llama_3_1_8b) // 5_727_854_592
 * @example storageByName("Q4_K_M").bytesOf(llama_3_1_8b) // 4_912_898_304
 */
export function storageByName(name: string): WeightStorage {
  const found = known.get(name);
  if (found !== undefined) return found;
  const storage = read(name.trim());
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(name, storage);
  return storage;
}

function read(name: string): WeightStorage {
  const plain = plainStorageByName(name);
  if (plain !== null) return plain;
  const scheme = schemeByName(name);
  if (scheme !== null) return schemeStorage(scheme);
  const imatrix = /[-_+]imat(?:rix)?$/i.exec(name);
  const fileType = findFileType(imatrix === null ? name : name.slice(0, imatrix.index));
  if (fileType !== undefined)
    return schemeStorage(ggufScheme(fileType, imatrix === null ? {} : { imatrix: true }));
  const id = findFormatId(name);
  if (id === undefined) throw unknown(name);
  if (SCALES.has(id)) throw scalesOnly(name);
  // What frameworks call "fp8" is this element under one scale per tensor.
  if (id === "fp8_e4m3fn") return schemeStorage(schemeByName("fp8")!);
  return schemeStorage(elementScheme(formatByName(id)));
}

const scalesOnly = (name: string): VramCalcError<"bad-option"> =>
  new VramCalcError("bad-option", {
    option: "format of the weights",
    given: `"${name}", a format of scales`,
    expected: "a format that holds weights, such as mxfp4 or nvfp4, which bring their scales",
  });

function unknown(name: string): VramCalcError<"unknown-name"> {
  if (/^(ud[-_]|.*_(xl|k_p)$)/i.test(name)) {
    const base = findFileType(name.replace(/^ud[-_]/i, "").replace(/_xl$/i, "_m"));
    return new VramCalcError("unknown-name", {
      kind: "format",
      name,
      nearest: base === undefined ? [] : [base.name],
      hint: "files of that name follow their uploader's own recipe: give the .gguf file, whose header is exact",
    });
  }
  const meant = formatsMeantBy(name);
  if (meant.length > 0) return new VramCalcError("unknown-name", { kind: "format", name, nearest: meant });
  // "exl2" alone says no bits, so it is no suggestion.
  const methods = SCHEME_NAMES.map((known) => known.replace(/-.*/, "")).filter(
    (method) => schemeByName(method) !== null,
  );
  const nearest = nearestNames(name.toLowerCase(), [...new Set([...WEIGHT_FORMAT_NAMES, ...methods])]);
  return nearest.length === 0
    ? unknownFormat(name)
    : new VramCalcError("unknown-name", { kind: "format", name, nearest });
}
