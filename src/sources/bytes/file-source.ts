import { Buffer } from "node:buffer";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import type { ByteSource } from "./byte-source.ts";

/** Why a path cannot be read and what to do about it, by the code that the system gives. */
const REFUSALS: { readonly [code: string]: { readonly reason: string; readonly hint: string } } = {
  ENOENT: {
    reason: "there is no such file or directory",
    hint: "check the spelling and the folder you are in",
  },
  ENOTDIR: {
    reason: "a part of the path is a file, not a directory",
    hint: "check the spelling of the path",
  },
  EACCES: { reason: "permission denied", hint: "make the file readable for this user" },
  EPERM: { reason: "permission denied", hint: "make the file readable for this user" },
  EISDIR: { reason: "it is a directory", hint: "give a file inside it" },
  ELOOP: { reason: "its symbolic links form a loop", hint: "give the path of the file itself" },
  ENAMETOOLONG: { reason: "the path is too long", hint: "give the path of an existing file" },
  ENXIO: { reason: "it is not a regular file", hint: "save its content to a file first" },
  EMFILE: { reason: "too many files are open", hint: "raise the limit with ulimit -n" },
  EIO: { reason: "the disk reports a read error", hint: "copy the file again" },
  ERR_INVALID_ARG_VALUE: { reason: "it holds a NUL character", hint: "give the path of an existing file" },
};

/**
 * The error for a path that the system refused, with a hint for the usual causes. Anything that is not a
 * system error comes back as it is.
 *
 * @example throw unreadable("cfg.json", cause) // cannot read cfg.json: there is no such file or directory; ...
 */
export function unreadable(path: string, cause: unknown): unknown {
  if (cause instanceof VramCalcError || !(cause instanceof Error) || !("code" in cause)) return cause;
  const code = String(cause.code);
  const known = Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : undefined;
  if (known === undefined && !/^E(?!RR_)[A-Z0-9]+$/.test(code)) return cause;
  const refusal = known ?? { reason: `the system says ${code}`, hint: "check that the file opens" };
  return new VramCalcError("unreadable-path", { path, ...refusal }, { cause });
}

/** A regular file opened for reading, and its size. The caller closes the handle. */
export async function openRegularFile(path: string): Promise<{ handle: FileHandle; size: Bytes }> {
  let handle: FileHandle;
  try {
    // O_NONBLOCK: opening a named pipe that nobody writes to would otherwise never return.
    // Windows has neither such pipes nor the flag.
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    throw unreadable(path, cause);
  }
  try {
    const stat = await handle.stat();
    if (stat.isFile()) return { handle, size: stat.size };
    const code = stat.isDirectory() ? "EISDIR" : "ENXIO";
    throw unreadable(path, Object.assign(new Error(code), { code }));
  } catch (cause) {
    await handle.close();
    throw unreadable(path, cause);
  }
}

/**
 * A local file as a source of bytes. Reads what it is asked for and nothing else, so that a header costs
 * a header however long the file is.
 *
 * @param name what messages call the file; the path when absent
 * @throws unreadable-path
 */
export async function openFileSource(path: string, name: string = path): Promise<ByteSource> {
  const { handle, size } = await openRegularFile(path);
  return {
    name,
    size,
    read: async (offset, length) => {
      const end = Math.min(offset + length, size);
      if (end <= offset) return new Uint8Array(0);
      try {
        return await readRange(handle, offset, end);
      } catch (cause) {
        throw unreadable(path, cause);
      }
    },
    close: () => handle.close(),
  };
}

async function readRange(handle: FileHandle, offset: Bytes, end: Bytes): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(end - offset);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, offset + filled);
    // The file shrank since it was opened: what is missing is reported by whoever needed it.
    if (bytesRead === 0) return bytes.subarray(0, filled);
    filled += bytesRead;
  }
  return bytes;
}
