/** Meanings that a report marks; how they look is the command line's business. */
export type Style = "strong" | "dim" | "good" | "bad" | "exact" | "modelled" | "assumed";

export type Paint = (style: Style, text: string) => string;

/** No colour: for files, pipes and tests. */
export const plain: Paint = (_, text) => text;
