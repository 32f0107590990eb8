/** A stream of numbers in [0, 1), the same for the same seed (xorshift32, doi:10.18637/jss.v008.i14). */
export function seeded(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const NASTY = [0, 1, 0x7f, 0x80, 0xff];

/** A copy with one to four changes, mostly in its first `headBytes`: what disks, networks and attackers do. */
export function damage(original: Uint8Array, random: () => number, headBytes: number): Uint8Array {
  let bytes = original.slice();
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(Math.min(bytes.length, headBytes));
    switch (below(8)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1:
        bytes[at] = NASTY[below(NASTY.length)]!;
        break;
      case 2:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << below(8));
        break;
      case 3: // A 64-bit length as large as can be, or nearly.
        bytes.fill(0xff, at, at + 8);
        if (at < bytes.length) bytes[at] = 0xff - below(3);
        break;
      case 4:
        bytes.fill(0, at, at + 1 + below(16));
        break;
      case 5: // A piece moved over another.
        bytes.copyWithin(at, below(bytes.length), below(bytes.length));
        break;
      case 6: // A piece left out.
        bytes = new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + below(16))]);
        break;
      default: // A piece put in.
        bytes = new Uint8Array([
          ...bytes.subarray(0, at),
          ...bytes.subarray(below(at + 1), at),
          ...bytes.subarray(at),
        ]);
    }
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}
