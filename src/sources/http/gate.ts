/** Runs tasks with at most `limit` of them under way; the others wait in order of arrival. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T>;

/** Lets so many run at once: of createGate(6) the seventh starts when one ends. */
export function createGate(limit: number): Gate {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (task) => {
    // A finished task hands its place to the next in line, so `running` stays put in between.
    if (running >= limit) await new Promise<void>((resume) => waiting.push(resume));
    else running++;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
