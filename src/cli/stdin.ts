import { VramCalcError } from "../errors.ts";

/**
 * Reads a stream to its end.
 *
 * @throws malformed-file when it is longer than `maxBytes`.
 */
export async function readBoundedStream(
  stream: AsyncIterable<Uint8Array | string>,
  maxBytes: number,
): Promise<string> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of stream) {
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk);
    total += bytes.length;
    if (total > maxBytes) {
      throw new VramCalcError("malformed-file", {
        file: "standard input",
        found: `more than ${maxBytes} bytes`,
        expected: "one config.json",
      });
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}
