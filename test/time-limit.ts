/** Milliseconds that the reference work takes on the machine for which limits in tests are written. */
const REFERENCE = 10;

function referenceWork(): number {
  let x = 1;
  for (let i = 0; i < 1e7; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  return x;
}
referenceWork();

/**
 * A limit written for a machine at rest, stretched by how much slower this one is right now, so that what
 * fails is superlinear work and not a busy machine. Benchmarks hold the figures themselves.
 */
export function timeLimit(milliseconds: number): number {
  const start = performance.now();
  referenceWork();
  return milliseconds * Math.max(1, (performance.now() - start) / REFERENCE);
}
