/** A line, or null where it was longer than the cap and its text was let go. */
export type Line = string | null;

/**
 * The lines of a stream, in batches as they arrive, so that a caller waits once per chunk and not per line.
 * Blank lines count but are given as "". At most one chunk and one line are held.
 *
 * @param maxCharacters of a line
 */
export async function* lineBatches(
  chunks: AsyncIterable<Uint8Array | string>,
  maxCharacters: number,
): AsyncGenerator<readonly Line[]> {
  const decoder = new TextDecoder();
  let rest = "";
  let tooLong = false;
  for await (const chunk of chunks) {
    const parts: Line[] = (typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true })).split(
      "\n",
    );
    const last = parts.length - 1;
    if (!tooLong) rest += parts[0]!;
    if (rest.length > maxCharacters) {
      rest = "";
      tooLong = true;
    }
    if (last === 0) continue;
    parts[0] = tooLong ? null : rest;
    rest = parts[last]!;
    parts.length = last;
    for (let i = 1; i < last; i++) if (parts[i]!.length > maxCharacters) parts[i] = null;
    tooLong = rest.length > maxCharacters;
    if (tooLong) rest = "";
    yield parts;
  }
  rest += decoder.decode();
  if (tooLong) yield [null];
  else if (rest !== "") yield [rest];
}
