import { VramCalcError } from "../../errors.ts";
import type { Bytes } from "../../units.ts";
import type { ByteSource } from "../bytes/byte-source.ts";
import type { Answer, AnswerHead, Credential } from "./exchange.ts";
import { createGate } from "./gate.ts";
import type { HttpClient } from "./http-client.ts";
import { TEXT_LIMIT } from "./http-limits.ts";
import { printableUrl } from "./web-url.ts";

/** A safetensors header of 300 tensors (an 8B model) is 300 x 120 B = 36 KB, one of 2,000 still fits. */
const FIRST_PIECE: Bytes = 2 ** 18;
const LARGEST_PIECE: Bytes = 2 ** 23;
/** All that is ever fetched of one file; safetensors itself ends headers at 100,000,000 B. */
const FETCH_LIMIT: Bytes = 2 ** 27;
/** Kept for reads that come back to it: four times the 7.8 MB that Llama 3.1's vocabulary takes in GGUF. */
const KEEP_LIMIT: Bytes = 2 ** 25;

export interface HttpSourceInput {
  readonly url: URL;
  /** What errors call this file. */
  readonly name: string;
  /** The size if a listing told it; a server that answers another one is refused. */
  readonly size?: Bytes | undefined;
  readonly credential?: Credential | undefined;
  /** Explains an answer of 4xx; the default says the status. */
  readonly explain?: (answer: AnswerHead) => VramCalcError;
}

/**
 * A remote file read by range requests, sized for headers: the first is 256 KiB, each further one is
 * twice as long up to 8 MiB, the first 32 MiB in a row are kept, and above 128 MiB reading stops.
 *
 * A server that ignores Range is refused by the head of its answer, before its body, unless the whole
 * file is at most 8 MiB.
 *
 * @throws source-unavailable from `read`
 */
export function httpSource(client: HttpClient, input: HttpSourceInput): ByteSource {
  let size: Bytes | null = input.size ?? null;
  let kept: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array(0) };
  let piece = FIRST_PIECE;
  let fetched = 0;
  const fail = (reason: string, hint: string): never => {
    throw new VramCalcError("source-unavailable", { source: input.name, reason, hint });
  };
  const download = "download the file and give its path";
  const tooLong = `its header is longer than ${FETCH_LIMIT / 2 ** 20} MiB`;

  const fetchPiece = async (offset: number, length: Bytes): Promise<void> => {
    fetched += length;
    if (fetched > FETCH_LIMIT) fail(tooLong, download);
    const answer = await client.get({
      url: input.url,
      headers: { range: `bytes=${offset}-${offset + length - 1}`, "accept-encoding": "identity" },
      credential: input.credential,
      bodyLimit: (head) => rangeBodyLimit(head, length),
    });
    if (answer.status === 206) return keep(partOf(answer, offset, length));
    if (answer.status === 200) return keep({ start: 0, bytes: answer.body, total: answer.body.byteLength });
    // Asked past the end of a file whose size nobody had told.
    const end = /^bytes \*\/(\d{1,15})$/.exec(answer.headers.get("content-range") ?? "");
    if (answer.status === 416 && size === null && end !== null && Number(end[1]) <= offset)
      size = Number(end[1]);
    else throw input.explain?.(answer) ?? statusError(input.name, answer);
  };

  const rangeBodyLimit = (head: AnswerHead, length: Bytes): Bytes => {
    if (head.status !== 200 && head.status !== 206) return 0;
    const encoding = head.headers.get("content-encoding");
    if (encoding !== null && encoding !== "identity")
      fail(`the server sends it with ${encoding.slice(0, 20)} encoding, which has no byte ranges`, download);
    if (head.status === 206) return length;
    const declared = head.headers.get("content-length");
    if (declared === null || Number(declared) > TEXT_LIMIT)
      fail("the server ignores range requests and would send the whole file", download);
    return TEXT_LIMIT;
  };

  const checkSize = (total: Bytes | null): void => {
    if (size !== null && total !== null && total !== size)
      fail(`its size is ${total} bytes and was ${size}`, "it changed while being read; try again");
  };

  const partOf = (answer: Answer, offset: number, length: Bytes) => {
    const range = answer.headers.get("content-range");
    const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(range ?? "");
    const total = match === null || match[3] === "*" ? size : Number(match[3]);
    const end = match === null ? -1 : Number(match[2]) + 1;
    const asked = offset + length;
    checkSize(total);
    const isWhole = total === null ? end <= asked : end === Math.min(asked, total);
    if (match === null || Number(match[1]) !== offset || !isWhole)
      fail(
        `asked for bytes ${offset}-${asked - 1}, the server sent "${(range ?? "").slice(0, 60)}"`,
        download,
      );
    if (answer.body.byteLength !== end - offset)
      fail(`the server sent ${answer.body.byteLength} of ${end - offset} announced bytes`, "try again");
    return { start: offset, bytes: answer.body, total };
  };

  const keep = (part: { start: number; bytes: Uint8Array; total: Bytes | null }): void => {
    checkSize(part.total);
    if (part.bytes.byteLength === 0 && part.start !== part.total)
      fail(`the server sent nothing at byte ${part.start}`, "try again");
    size = part.total;
    const total = kept.bytes.byteLength + part.bytes.byteLength;
    if (part.start !== kept.start + kept.bytes.byteLength || total > KEEP_LIMIT) {
      kept = part;
      return;
    }
    const joined = new Uint8Array(total);
    joined.set(kept.bytes);
    joined.set(part.bytes, kept.bytes.byteLength);
    kept = { start: kept.start, bytes: joined };
  };

  const endOf = (offset: number, length: Bytes): number =>
    Math.max(offset, size === null ? offset + length : Math.min(offset + length, size));
  const isKept = (at: number): boolean => at >= kept.start && at < kept.start + kept.bytes.byteLength;

  const fetchFrom = async (at: number, end: number): Promise<void> => {
    const wanted = Math.min(Math.max(end - at, piece), LARGEST_PIECE);
    await fetchPiece(at, endOf(at, wanted) - at);
    piece = Math.min(piece * 2, LARGEST_PIECE);
  };

  const read = async (offset: number, length: Bytes): Promise<Uint8Array> => {
    // The first answer tells the size, before room is made for what may not exist.
    if (size === null && !isKept(offset)) await fetchFrom(offset, offset + length);
    if (endOf(offset, length) - offset > FETCH_LIMIT) fail(tooLong, download);
    const result = new Uint8Array(endOf(offset, length) - offset);
    let at = offset;
    while (at < endOf(offset, length)) {
      if (!isKept(at)) await fetchFrom(at, endOf(offset, length));
      if (!isKept(at)) break;
      const found = kept.bytes.subarray(at - kept.start, offset + result.byteLength - kept.start);
      result.set(found, at - offset);
      at += found.byteLength;
    }
    return at === offset + result.byteLength ? result : result.slice(0, at - offset);
  };

  // Two reads at once would fetch the same piece twice and replace what the other one counts on.
  const inOrder = createGate(1);
  return {
    name: input.name,
    get size() {
      return size;
    },
    read: (offset, length) => inOrder(() => read(offset, length)),
  };
}

/** What to say of a status that nobody explained better. */
function statusError(source: string, head: AnswerHead): VramCalcError {
  const { status } = head;
  const hint =
    status === 401 || status === 403
      ? "it needs a login; download the file and give its path"
      : status === 404 || status === 410
        ? "check the address"
        : "check the address or try again later";
  return new VramCalcError("source-unavailable", {
    source,
    reason: `${printableUrl(head.url) === source ? "the server" : head.url.host} answered ${status}`,
    hint,
  });
}
