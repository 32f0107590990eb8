import { expect, test } from "vitest";
import { createGate } from "../../../src/sources/http/gate.ts";

test.for([
  { limit: 1, tasks: 5 },
  { limit: 3, tasks: 10 },
  { limit: 6, tasks: 2 },
])("$tasks tasks with a limit of $limit: as many at once as allowed, in order", async ({ limit, tasks }) => {
  const gate = createGate(limit);
  let running = 0;
  let most = 0;
  const started: number[] = [];
  await Promise.all(
    Array.from({ length: tasks }, (_, i) =>
      gate(async () => {
        started.push(i);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running--;
      }),
    ),
  );
  expect(most).toBe(Math.min(limit, tasks));
  expect(started).toEqual(Array.from({ length: tasks }, (_, i) => i));
});

test("tasks that arrive while others hand over their places keep to the limit too", async () => {
  const gate = createGate(2);
  let running = 0;
  let most = 0;
  const task = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running--;
  };
  const all: Promise<void>[] = [];
  for (let i = 0; i < 20; i++) {
    all.push(gate(task), gate(task));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(all);
  expect(most).toBe(2);
});

test("a task that throws frees its place and hands its error on", async () => {
  const gate = createGate(1);
  await expect(gate(() => Promise.reject(new Error("x")))).rejects.toThrow("x");
  await expect(gate(async () => 7)).resolves.toBe(7);
});
