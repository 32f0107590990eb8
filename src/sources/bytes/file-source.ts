import { Buffer } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
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
 * @example unreadable("x", Object.assign(new Error(), { code: "EIO" })).details.reason // "the disk reports a read error"
 */
export function unreadable(path: string, cause: unknown): unknown {
  if (cause instanceof VramCalcError || !(cause instanceof Error) || !("code" in cause)) return cause;
  const code = String(cause.code);
  const known = Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : undefined;
  if (known === undefined && !/^E(?!RR_)[A-Z0-9]+$/.test(code)) return cause;
  const refusal = known ?? { reason: `the system says ${code}`, hint: "check that the file opens" };
  return new VramCalcError("unreadable-path", { path, ...refusal }, { cause });
}

/** A regular file opened for reading, and its size. The caller closes the descriptor. */
export function openRegularFile(path: string): { readonly fd: number; readonly size: Bytes } {
  let fd: number;
  try {
    // O_NONBLOCK: opening a named pipe that nobody writes to would otherwise never return.
    // Windows has neither such pipes nor the flag.
    fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    throw unreadable(path, cause);
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isFile()) return { fd, size: stat.size };
    const code = stat.isDirectory() ? "EISDIR" : "ENXIO";
    throw unreadable(path, Object.assign(new Error(code), { code }));
  } catch (cause) {
    closeSync(fd);
    throw unreadable(path, cause);
  }
}

/**
 * Fills `into` from `offset` on and returns what the file had of it.
 *
 * Synchronous: a header is a few pieces of at most 1 MiB, which cost less than handing them to another thread.
 */
export function readFully(fd: number, into: Uint8Array, offset: Bytes): Uint8Array {
  let filled = 0;
  while (filled < into.length) {
    const count = readSync(fd, into, filled, into.length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled === into.length ? into : into.subarray(0, filled);
}

/**
 * A local file as a source of bytes. Reads what it is asked for and nothing else, so that a header costs
 * a header however long the file is.
 *
 * @param name what messages call the file; the path when absent
 * @throws unreadable-path
 */
export async function openFileSource(path: string, name: string = path): Promise<ByteSource> {
  const { fd, size } = openRegularFile(path);
  let open = true;
  return {
    name,
    size,
    read: async (offset, length, scratch) => {
      // The file may have shrunk since it was opened: what is missing is reported by whoever needs it.
      const count = Math.max(0, Math.min(length, size - offset));
      const into =
        scratch !== undefined && scratch.length >= count
          ? scratch.subarray(0, count)
          : Buffer.allocUnsafeSlow(count);
      try {
        return readFully(fd, into, offset);
      } catch (cause) {
        throw unreadable(path, cause);
      }
    },
    close: async () => {
      if (open) closeSync(fd);
      open = false;
    },
  };
}
