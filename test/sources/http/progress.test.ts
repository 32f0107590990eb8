import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createProgress } from "../../../src/sources/http/progress.ts";

describe("createProgress", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const start = (options: { isTerminal?: boolean; columns?: number } = {}) => {
    const written: string[] = [];
    const progress = createProgress({ isTerminal: true, write: (text) => written.push(text), ...options });
    return { written, progress };
  };

  test("work that ends within a second writes nothing", () => {
    const { written, progress } = start();
    progress.update("a");
    vi.advanceTimersByTime(999);
    progress.done();
    vi.advanceTimersByTime(5000);
    expect(written).toEqual([]);
  });

  test("after a second the newest line shows by itself, is replaced, and is cleared at the end", () => {
    const { written, progress } = start();
    progress.update("a");
    progress.update("b");
    vi.advanceTimersByTime(1000);
    progress.update("c");
    progress.done();
    expect(written).toEqual(["\r\u001b[Kb", "\r\u001b[Kc", "\r\u001b[K"]);
  });

  test("without a terminal nothing is ever written", () => {
    const { written, progress } = start({ isTerminal: false });
    progress.update("a");
    vi.advanceTimersByTime(60_000);
    progress.done();
    expect(written).toEqual([]);
  });

  test("a line is cut to the terminal's width less one, and holds no escapes of others", () => {
    const { written, progress } = start({ columns: 10 });
    progress.update("\u001b[31m0123456789");
    vi.advanceTimersByTime(1000);
    expect(written).toEqual(["\r\u001b[K [31m0123"]);
  });
});
