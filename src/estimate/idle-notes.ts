import type { Note } from "../architecture/model.ts";

/** Says that cards stay empty, when some do. */
export function idleNotes(devices: number | undefined, world: number): readonly Note[] {
  if (devices === undefined || devices <= world) return [];
  return [
    {
      code: "idle-devices",
      message: `the degrees take ${world} of the ${devices} cards: the others stay empty`,
      details: { used: world, devices },
    },
  ];
}
