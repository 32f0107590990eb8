/** One request line -> one result line. */

import { modelSummary } from "../../architecture/summary.ts";
import { judge } from "../../check/result.ts";
import { EXIT, type ExitCode, VramCalcError } from "../../errors.ts";
import { resultJson } from "../../report/result.ts";
import { resultText } from "../../report/result-text.ts";
import { trainJson } from "../../report/train.ts";
import { parseJson } from "../../sources/json/parse-json.ts";
import { type LoadedModel, loadModel } from "../../sources/load-model.ts";
import { asksNothing, type Beside, type BesideFlags, besideOf } from "../beside.ts";
import { readRequest, type SizeRequest } from "../check/request.ts";
import { size } from "../check/uses.ts";
import { spokenMessage } from "../engine-settings.ts";
import type { Io } from "../io.ts";
import { type Limit, limitOf } from "../limit.ts";
import { loadOptionsOf } from "../load.ts";
import type { Line } from "./lines.ts";
import { type Recent, recent } from "./recent.ts";

/** Characters of one request; the longest sensible one has a few hundred. */
export const MOST_LINE_CHARACTERS = 2 ** 20;
/** Models, and cards, that are kept: a search over a few hundred models stays in memory. */
const MOST_KEPT = 256;
/** Fields of the line that are not part of the request. */
const LINE_FIELDS: ReadonlySet<string> = new Set(["id"]);

export interface Answerer {
  /** The result as one line of JSON, without its line end. At once where nothing has to be loaded. */
  readonly answer: (line: Line, lineNumber: number) => string | Promise<string>;
  /** How the run ends: 0, or the code of the gravest error that was answered. */
  readonly worst: () => ExitCode;
}

type Kept<T> = { readonly value: T } | { readonly error: unknown };

/** Answers lines, keeping the models and cards they name. */
export function answerer(io: Io): Answerer {
  const models = recent<Kept<LoadedModel>>(MOST_KEPT);
  const limits = recent<Kept<Limit | null>>(MOST_KEPT);
  const besides = recent<Kept<Beside>>(MOST_KEPT);
  let worst: ExitCode = EXIT.ok;

  function refused(error: unknown, id: unknown, line: number): string {
    const known = error instanceof VramCalcError;
    const exit = known ? error.exitCode : EXIT.bug;
    if (exit > worst) worst = exit;
    const message = error instanceof Error ? spokenMessage(error) : String(error);
    return JSON.stringify({
      ...idField(id),
      line,
      error: known
        ? { code: error.code, message, details: error.details }
        : { code: "bug", message: `this is a bug, please report it with the line: ${message}`, details: {} },
    });
  }

  function answer(text: Line, lineNumber: number): string | Promise<string> {
    let id: unknown;
    try {
      const fields = parseLine(text, lineNumber);
      if (fields.id !== undefined && typeof fields.id !== "string" && typeof fields.id !== "number")
        throw badId(fields.id);
      id = fields.id;
      const request = readRequest(fields, LINE_FIELDS);
      const modelKey =
        request.assumeFamily === undefined ? request.model : `${request.model}\n${request.assumeFamily}`;
      const limitKey = request.gpu ?? "";
      const model = models.get(modelKey);
      const limit = request.gpu === undefined ? limitByBytes(request) : limits.get(limitKey);
      if (model !== undefined && limit !== undefined && asksNothing(request.flags))
        return answerText(request, { id, loaded: unwrap(model), limit: unwrap(limit) });
      return loadAndAnswer(request, { id, line: lineNumber, modelKey, limitKey });
    } catch (error) {
      return refused(error, id, lineNumber);
    }
  }

  async function loadAndAnswer(
    request: SizeRequest,
    at: { readonly id: unknown; readonly line: number; readonly modelKey: string; readonly limitKey: string },
  ): Promise<string> {
    try {
      const { model: reference, assumeFamily, gpu } = request;
      const limit =
        gpu === undefined
          ? limitByBytes(request)
          : await kept(limits, at.limitKey, () => limitOf({ gpu }, io));
      const model = await kept(models, at.modelKey, () =>
        loadModel(reference, loadOptionsOf(io, { assumeFamily })),
      );
      const { draft, mmproj }: BesideFlags = request.flags;
      const beside = asksNothing({ draft, mmproj })
        ? {}
        : unwrap(
            await kept(besides, JSON.stringify([draft, mmproj]), () =>
              besideOf({ draft, mmproj }, loadOptionsOf(io)),
            ),
          );
      return answerText(request, { id: at.id, loaded: unwrap(model), limit: unwrap(limit), beside });
    } catch (error) {
      return refused(error, at.id, at.line);
    }
  }

  return { answer, worst: () => worst };
}

/** What was kept, or loads it. A refusal is kept too; a source that did not answer is asked again. */
async function kept<T>(store: Recent<Kept<T>>, key: string, load: () => Promise<T>): Promise<Kept<T>> {
  const known = store.get(key);
  if (known !== undefined) return known;
  let entry: Kept<T>;
  try {
    entry = { value: await load() };
  } catch (error) {
    entry = { error };
    if (!(error instanceof VramCalcError) || error.code === "source-unavailable") return entry;
  }
  store.set(key, entry);
  return entry;
}

function unwrap<T>(entry: Kept<T>): T {
  if ("error" in entry) throw entry.error;
  return entry.value;
}

const NO_LIMIT: Kept<null> = { value: null };

function limitByBytes({ budget }: SizeRequest): Kept<Limit | null> {
  return budget === undefined ? NO_LIMIT : { value: { bytes: budget, count: 1, notes: [] } };
}

const idField = (id: unknown): { readonly id?: unknown } => (id === undefined ? {} : { id });

function answerText(
  request: SizeRequest,
  at: {
    readonly id: unknown;
    readonly loaded: LoadedModel;
    readonly limit: Limit | null;
    readonly beside?: Beside;
  },
): string {
  const { id, loaded, limit, beside = {} } = at;
  const sized = size(request.use, loaded, { flags: request.flags, limit, beside });
  const budget = limit === null ? {} : { budget: judge(sized.result, limit, request) };
  const model = modelSummary(loaded);
  const { architecture } = loaded;
  switch (sized.use) {
    case "serve": {
      // Spread last: to add to what was spread takes longer than all the rest of the object.
      const json = resultJson({
        schema: "vram-calc/estimate@1",
        model,
        architecture,
        request: sized.result.request,
        estimate: sized.result,
        notes: sized.notes,
        ...budget,
      });
      return resultText(json, id);
    }
    case "train":
      return JSON.stringify({
        ...idField(id),
        ...trainJson({
          model,
          architecture,
          result: sized.result,
          reliefs: [],
          notes: sized.notes,
          ...budget,
        }),
      });
  }
}

function parseLine(text: Line, line: number): Readonly<Record<string, unknown>> {
  if (text === null)
    throw malformed(line, `more than ${MOST_LINE_CHARACTERS} characters`, "one request per line");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badJson(text, line);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value))
    throw malformed(
      line,
      Array.isArray(value) ? "a list" : String(value),
      'a request such as {"model":"14B"}',
    );
  return value as Readonly<Record<string, unknown>>;
}

/** The same text through the reader whose messages name the column. */
function badJson(text: string, line: number): unknown {
  try {
    parseJson(text, "standard input");
  } catch (error) {
    if (!(error instanceof VramCalcError) || error.code !== "malformed-file") return error;
    const { where, found, expected } = (error as VramCalcError<"malformed-file">).details;
    return malformed(line, found, expected, where?.replace(/^line \d+, /, ""));
  }
  return malformed(line, "something that is not strict JSON", "JSON without NaN or Infinity");
}

function malformed(line: number, found: string, expected: string, column?: string): VramCalcError {
  return new VramCalcError("malformed-file", {
    file: "standard input",
    where: column === undefined ? `line ${line}` : `line ${line}, ${column}`,
    found,
    expected,
  });
}

function badId(id: unknown): VramCalcError {
  return new VramCalcError("bad-option", {
    option: '"id"',
    given: Array.isArray(id) ? "a list" : typeof id,
    expected: "text or a number, which is echoed with the result",
  });
}
