import { nearestNames, VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import type { HubFile } from "./hub-cache.ts";

/** One model of a GGUF repository: a file, or the pieces of a split one in order. */
export interface GgufChoice {
  /** The quantization its name tells, `Q4_K_M`; null when the name tells none. */
  readonly label: string | null;
  readonly files: readonly [HubFile, ...HubFile[]];
  /** Null when a size is not known. */
  readonly totalBytes: Bytes | null;
}

/** `-00001-of-00003.gguf`, the piece names of llama.cpp's gguf-split. */
const SPLIT = /-(\d{5})-of-(\d{5})(?=\.gguf$)/i;
/** Labels of llama.cpp's quantize tool and of the float files, with the prefixes of well-known uploaders. */
const LABEL =
  /(?<=^|[-._ /])((?:UD-|i1-)?(?:(?:I?Q[1-9]|TQ[12])(?:_(?:\d+|[A-Z]{1,3}))*|BF16|F16|F32|FP16|FP32|MXFP4(?:_MOE)?|NVFP4))(?=$|[-._ /])/gi;
/** Files beside the model: image projectors and calibration data. */
const COMPANION = /mmproj|imatrix/i;

/** The quantization that a file name tells, or else its folder's; null when neither tells one. */
export function quantLabel(path: string): string | null {
  const stem = path.replace(SPLIT, "").replace(/\.gguf$/i, "");
  const slash = stem.lastIndexOf("/");
  // A name may tell two, as in Q6_K-f16 (16-bit embeddings): the quantized one is what it is known by.
  const last = (text: string) => {
    const found = [...text.matchAll(LABEL)].map((m) => m[1]!);
    return found.findLast((label) => !/^(?:BF|FP?)\d/i.test(label)) ?? found.at(-1);
  };
  const label = last(stem.slice(slash + 1)) ?? last(stem.slice(0, Math.max(slash, 0)));
  return label === undefined ? null : canonical(label);
}

/** Upper case but for uploaders' prefixes, so that `q4_k_m` and `Q4_K_M` are one name. */
function canonical(label: string): string {
  return label
    .toUpperCase()
    .replace(/^I1-/, "i1-")
    .replace(/^FP(?=16|32)/, "F");
}

/** The models among a repository's files, pieces of a split joined; image projectors and such left out. */
export function listGgufChoices(files: readonly HubFile[]): GgufChoice[] {
  const groups = new Map<string, [HubFile, ...HubFile[]]>();
  for (const file of files) {
    const name = file.path.slice(file.path.lastIndexOf("/") + 1);
    if (!/\.gguf$/i.test(name) || COMPANION.test(name)) continue;
    const key = file.path.replace(SPLIT, "-*-of-$2");
    groups.set(key, [file, ...(groups.get(key) ?? [])]);
  }
  return [...groups.values()].map((group) => {
    const ordered = group.sort((a, b) => (a.path < b.path ? -1 : 1));
    const sizes = ordered.map((f) => f.size);
    const totalBytes = sizes.every((size) => size !== null)
      ? sizes.reduce((sum, size) => sum + size, 0)
      : null;
    return { label: quantLabel(ordered[0].path), files: ordered, totalBytes };
  });
}

export interface GgufWish {
  /** What to call the repository in errors: `org/name`. */
  readonly name: string;
  /** `Q4_K_M`, in any case; `Q4_K_M` also finds `UD-Q4_K_M` where no plain one is. */
  readonly quant?: string | undefined;
  /** A path, for repositories where labels do not tell files apart; any piece of a split will do. */
  readonly file?: string | undefined;
}

/**
 * The one model of a GGUF repository that is meant.
 *
 * @throws bad-option when several are there and none, or not one, is named; unknown-name when the named
 * one is not there; unreadable-path when a piece of a split is missing
 * @example pickGgufFile([{ path: "model-Q4_K_M.gguf" }], { name: "org/name", quant: "q4_k_m" }).files[0].path // "model-Q4_K_M.gguf"
 */
export function pickGgufFile(files: readonly HubFile[], wish: GgufWish): GgufChoice {
  const choices = listGgufChoices(files);
  if (choices.length === 0)
    throw new VramCalcError("unreadable-path", {
      path: wish.name,
      reason: "it holds no GGUF model",
      hint: `leave out the part after the colon: ${wish.name}`,
    });
  const found = wish.file === undefined ? byLabel(choices, wish) : byPath(choices, wish.file);
  const [choice] = found;
  if (choice === undefined) {
    const known = wish.file === undefined ? labels(choices) : choices.map((c) => c.files[0].path);
    throw new VramCalcError("unknown-name", {
      kind: wish.file === undefined ? `quantization in ${wish.name}` : `file in ${wish.name}`,
      name: (wish.file ?? wish.quant ?? "").slice(0, 100),
      nearest: nearestNames(wish.file ?? wish.quant ?? "", known),
      hint: `It has ${shortList(known)}`,
    });
  }
  if (found.length > 1)
    throw new VramCalcError("bad-option", {
      option: wish.name,
      given:
        wish.quant === undefined ? "no quantization" : `${wish.quant}, which names ${found.length} models`,
      expected: `one of ${shortList(found.map((c) => `:${selector(c, choices)}`))} after it`,
    });
  return checkPieces(choice, wish.name);
}

function byLabel(choices: readonly GgufChoice[], { quant }: GgufWish): readonly GgufChoice[] {
  if (quant === undefined) return choices;
  const wanted = canonical(quant);
  const exact = choices.filter((c) => c.label === wanted);
  return exact.length > 0 ? exact : choices.filter((c) => c.label?.replace(/^(?:UD|i1)-/, "") === wanted);
}

function byPath(choices: readonly GgufChoice[], file: string): readonly GgufChoice[] {
  return choices.filter((c) => c.files.some((f) => f.path === file));
}

/** The shortest text after the colon that means this choice and no other. */
function selector(choice: GgufChoice, choices: readonly GgufChoice[]): string {
  const alone = choice.label !== null && choices.filter((c) => c.label === choice.label).length === 1;
  return alone ? choice.label! : choice.files[0].path;
}

const labels = (choices: readonly GgufChoice[]): string[] => [
  ...new Set(choices.map((c) => c.label ?? c.files[0].path)),
];

function shortList(names: readonly string[]): string {
  return names.length > 12
    ? `${names.slice(0, 12).join(", ")} and ${names.length - 12} more`
    : names.join(", ");
}

/** A split is whole when its pieces are numbered 1 to n, each once. */
function checkPieces(choice: GgufChoice, name: string): GgufChoice {
  const announced = Number(SPLIT.exec(choice.files[0].path)?.[2] ?? "1");
  const numbers = new Set(choice.files.map((f) => Number(SPLIT.exec(f.path)?.[1] ?? "1")));
  if (announced === 0 || numbers.size !== announced || Math.max(...numbers) !== announced)
    throw new VramCalcError("unreadable-path", {
      path: `${name}:${choice.files[0].path}`,
      reason: `${numbers.size} of its ${announced} pieces are there`,
      hint: "choose another quantization or report the repository as incomplete",
    });
  return choice;
}
