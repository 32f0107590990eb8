/** What can be asked for; apart from the answers, so that a command line names them without loading the search. */

export const SERVING_UNKNOWNS = ["context", "batch", "format", "gpus", "tp"] as const;
export type ServingUnknown = (typeof SERVING_UNKNOWNS)[number];

export const TRAINING_UNKNOWNS = ["gpus", "micro-batch", "seq", "plan"] as const;
export type TrainingUnknown = (typeof TRAINING_UNKNOWNS)[number];
