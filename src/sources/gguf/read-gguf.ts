import { basename, dirname, join } from "node:path";
import { VramCalcError } from "../../errors.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import { openFileSource } from "../bytes/file-source.ts";
import type { GgufFile } from "./gguf-file.ts";
import { MAX_TENSORS, readGgufHeader } from "./gguf-header.ts";

/** A file of a directory or repository, and how to open its neighbours. */
export interface GgufPlace {
  /** The file's own name, without any folder. */
  readonly fileName: string;
  /** Opens a file beside it; also called for `fileName`. The source is closed after reading. */
  readonly open: (fileName: string) => Promise<ByteSource>;
}

/**
 * Reads the header of a local GGUF file; of a split model, given any of its files, those of all.
 *
 * @throws unreadable-path also for a missing split, malformed-file
 */
export function readGguf(path: string): Promise<GgufFile> {
  return readGgufAt({
    fileName: basename(path),
    open: (fileName) => openFileSource(fileName === basename(path) ? path : join(dirname(path), fileName)),
  });
}

/** As `readGguf`, from anywhere. */
export async function readGgufAt(place: GgufPlace): Promise<GgufFile> {
  const asked = await readOne(place, place.fileName);
  const named = parseSplitName(place.fileName);
  const claimed = splitNumber(asked, "split.count");
  // Files of one part may carry the keys of a split model, and one part may be called 00001-of-00001.
  const count = claimed ?? named?.count ?? 1;
  const name = asked.files[0]!.name;
  if (named !== null && named.count !== count)
    throw refuse(name, `split.count ${count}`, `${named.count}, as its name says`);
  if (count <= 1) return asked;
  if (named === null)
    throw refuse(
      name,
      `one of ${count} splits under a name of its own`,
      "a name like model-00001-of-00003.gguf",
    );
  if (claimed === null) throw refuse(name, "no key split.count", `${count}, as its name says`);

  const names = new Set<string>();
  const parts: GgufFile[] = [];
  for (let number = 1; number <= count; number++) {
    const part = number === named.number ? asked : await readOne(place, splitName(named, number));
    checkPart(part, { number, count });
    for (const tensor of part.tensors) {
      if (names.has(tensor.name))
        throw refuse(tensor.file, `tensor "${tensor.name}" again`, "each tensor in one split");
      names.add(tensor.name);
    }
    if (names.size > MAX_TENSORS)
      throw refuse(name, `${names.size} tensors in ${number} splits`, `at most ${MAX_TENSORS}`);
    parts.push(part);
  }
  return joinParts(parts);
}

async function readOne(place: GgufPlace, fileName: string): Promise<GgufFile> {
  const source = await place.open(fileName);
  try {
    return await readGgufHeader(source);
  } finally {
    await source.close?.();
  }
}

interface SplitName {
  readonly prefix: string;
  readonly number: number;
  readonly count: number;
}

/**
 * The parts of a split's file name, or null for any other name.
 *
 * @example parseSplitName("llama-00002-of-00003.gguf") // { prefix: "llama", number: 2, count: 3 }
 */
export function parseSplitName(fileName: string): SplitName | null {
  const match = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s.exec(fileName);
  if (match === null) return null;
  const number = Number(match[2]);
  const count = Number(match[3]);
  return number >= 1 && number <= count ? { prefix: match[1]!, number, count } : null;
}

function splitName(split: SplitName, number: number): string {
  const five = (n: number) => String(n).padStart(5, "0");
  return `${split.prefix}-${five(number)}-of-${five(split.count)}.gguf`;
}

function splitNumber(part: GgufFile, key: string): number | null {
  const value = part.metadata.get(key);
  if (value === undefined) return null;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  throw refuse(part.files[0]!.name, `${key} that is not a count`, "a whole number");
}

/** `split.no` counts from 0, the names count from 1. */
function checkPart(part: GgufFile, expected: { readonly number: number; readonly count: number }): void {
  const { name } = part.files[0]!;
  const checks = [
    ["split.count", expected.count],
    ["split.no", expected.number - 1],
  ] as const;
  for (const [key, wanted] of checks) {
    const given = splitNumber(part, key);
    if (given !== wanted)
      throw refuse(name, given === null ? `no key ${key}` : `${key} ${given}`, `${wanted}, as its name says`);
  }
}

function joinParts(parts: readonly GgufFile[]): GgufFile {
  const first = parts[0]!;
  const tensors = parts.flatMap((part) => part.tensors);
  let tensorBytes = 0;
  let fileBytes: number | null = 0;
  for (const part of parts) {
    tensorBytes += part.tensorBytes;
    fileBytes = fileBytes === null || part.fileBytes === null ? null : fileBytes + part.fileBytes;
  }
  const claimed = splitNumber(first, "split.tensors.count");
  if (claimed !== null && claimed !== tensors.length)
    throw refuse(
      first.files[0]!.name,
      `split.tensors.count ${claimed}`,
      `${tensors.length}, which its ${parts.length} files hold`,
    );
  return { ...first, tensors, tensorBytes, fileBytes, files: parts.flatMap((part) => part.files) };
}

function refuse(file: string, found: string, expected: string): VramCalcError {
  return new VramCalcError("malformed-file", { file, found, expected });
}
