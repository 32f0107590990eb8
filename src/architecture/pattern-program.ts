/** A pattern as instructions, and the machine that runs them: each (instruction, position) is visited once. */
import { type Node, SETS, type Test } from "./pattern-syntax.ts";

/** Work that may still be done, in visited states; below zero nothing matches any more. */
export interface MatchBudget {
  steps: number;
}

const MOST_INSTRUCTIONS = 5000;

/** A step of the machine; `split` goes on in several places. */
export type Instruction =
  | { readonly op: "char"; readonly test: Test }
  | { op: "split"; readonly to: number[] }
  | { readonly op: "start" }
  | { readonly op: "end" }
  | { readonly op: "edge"; readonly inside: boolean }
  | { readonly op: "look"; readonly negative: boolean; readonly program: readonly Instruction[] }
  | { readonly op: "match" };

/** Appends the node's code; false when it grows beyond bounds, or look-ahead stands in look-ahead. */
export function emit(node: Node, out: Instruction[], budget: { steps: number; looks: number }): boolean {
  if (out.length > MOST_INSTRUCTIONS || ++budget.steps > 4 * MOST_INSTRUCTIONS) return false;
  switch (node.kind) {
    case "char":
      out.push({ op: "char", test: node.test });
      return true;
    case "start":
      out.push({ op: "start" });
      return true;
    case "end":
      out.push({ op: "end" });
      return true;
    case "edge":
      out.push({ op: "edge", inside: node.inside });
      return true;
    case "look": {
      const program: Instruction[] = [];
      if (++budget.looks > 1 || !emit(node.body, program, budget)) return false;
      budget.looks--;
      program.push({ op: "match" });
      out.push({ op: "look", negative: node.negative, program });
      return true;
    }
    case "all":
      return node.parts.every((part) => emit(part, out, budget));
    case "any": {
      const split: Instruction & { op: "split" } = { op: "split", to: [] };
      out.push(split);
      const exits: number[][] = [];
      for (const option of node.options) {
        split.to.push(out.length);
        if (!emit(option, out, budget)) return false;
        const exit: number[] = [];
        exits.push(exit);
        out.push({ op: "split", to: exit });
      }
      for (const exit of exits) exit.push(out.length);
      return true;
    }
    case "repeat": {
      for (let i = 0; i < node.min; i++) if (!emit(node.body, out, budget)) return false;
      if (node.max === Number.POSITIVE_INFINITY) {
        const loop = out.length;
        const to = [loop + 1];
        out.push({ op: "split", to });
        if (!emit(node.body, out, budget)) return false;
        out.push({ op: "split", to: [loop] });
        to.push(out.length);
        return true;
      }
      const skips: number[][] = [];
      for (let i = node.min; i < node.max; i++) {
        const to = [out.length + 1];
        skips.push(to);
        out.push({ op: "split", to });
        if (!emit(node.body, out, budget)) return false;
      }
      for (const skip of skips) skip.push(out.length);
      return true;
    }
  }
}

const isWord = (text: string, at: number): boolean => at >= 0 && at < text.length && SETS.w!(text[at]!);

/** True when the program matches `text` from position `from` on. */
export function run(
  program: readonly Instruction[],
  text: string,
  from: number,
  budget: MatchBudget,
): boolean {
  // Clearing the table costs too.
  budget.steps -= (program.length * text.length) >> 4;
  if (budget.steps < 0) return false;
  const seen = new Uint8Array(program.length * (text.length + 1));
  const stack: number[] = [0, from];
  while (stack.length > 0 && --budget.steps >= 0) {
    const at = stack.pop()!;
    const pc = stack.pop()!;
    const key = pc * (text.length + 1) + at;
    if (seen[key] === 1) continue;
    seen[key] = 1;
    const step = program[pc]!;
    switch (step.op) {
      case "match":
        return true;
      case "char":
        if (at < text.length && step.test(text[at]!)) stack.push(pc + 1, at + 1);
        break;
      case "split":
        for (const target of step.to) stack.push(target, at);
        break;
      case "start":
        if (at === 0) stack.push(pc + 1, at);
        break;
      case "end":
        if (at === text.length) stack.push(pc + 1, at);
        break;
      case "edge":
        if ((isWord(text, at - 1) !== isWord(text, at)) !== step.inside) stack.push(pc + 1, at);
        break;
      case "look":
        if (run(step.program, text, at, budget) !== step.negative) stack.push(pc + 1, at);
        break;
    }
  }
  return false;
}
