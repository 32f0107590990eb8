/** What can be asked for; apart from the answers, so that a command line names them without loading the search. */

/** What can be solved for when serving. */
export const SERVING_UNKNOWNS = ["context", "batch", "format", "gpus", "tp"] as const;
export type ServingUnknown = (typeof SERVING_UNKNOWNS)[number];

/** What can be solved for when training. */
export const TRAINING_UNKNOWNS = ["gpus", "micro-batch", "seq", "plan"] as const;
export type TrainingUnknown = (typeof TRAINING_UNKNOWNS)[number];
