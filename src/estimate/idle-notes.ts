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

/** Says that an option was given and changes nothing, and what it needs to. */
export const idleNote = (option: string, needs: string): Note => ({
  code: "idle-option",
  message: `${option} ${option.startsWith("--sharding") ? "divides" : "changes"} nothing here: it needs ${needs}`,
  details: { option },
});
