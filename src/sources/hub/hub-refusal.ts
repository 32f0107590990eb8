import { VramCalcError } from "../../errors.ts";
import type { AnswerHead } from "../http/exchange.ts";
import { type HubReference, hubName } from "./hub-reference.ts";

export interface RefusalContext {
  readonly reference: HubReference;
  readonly endpoint: URL;
  /** The path that was asked for, if one was. */
  readonly file?: string | undefined;
  readonly hasToken: boolean;
}

/**
 * What a 4xx of the hub means, told by its headers X-Error-Code and X-Error-Message as the hub's own
 * client tells it (huggingface_hub at 01dd37b8, hf_raise_for_status in _http.py).
 *
 * A repository that cannot be seen (missing, private, gated, disabled) or a token that is refused is
 * source-unavailable, exit code 3. A repository that can be seen but lacks the revision or file is a
 * wrong request: unreadable-path, exit code 2.
 */
export function hubRefusal(answer: AnswerHead, context: RefusalContext): VramCalcError {
  const { reference, endpoint, file, hasToken } = context;
  const name = hubName(reference);
  const code = answer.headers.get("x-error-code") ?? "";
  const said = (answer.headers.get("x-error-message") ?? "").slice(0, 200);
  const page = `${endpoint.origin}${endpoint.pathname.replace(/\/$/, "")}/${reference.repo}`;
  const closed = (reason: string, hint: string) =>
    new VramCalcError("source-unavailable", { source: name, reason, hint });
  const wrong = (reason: string, hint: string) =>
    new VramCalcError("unreadable-path", {
      path: file === undefined ? name : `${name}:${file}`,
      reason,
      hint,
    });

  if (code === "GatedRepo")
    return hasToken
      ? closed("the repository is gated and your token has no access", `ask for access at ${page}`)
      : closed("the repository is gated", `accept its terms at ${page}, then set HF_TOKEN`);
  if (code === "RevisionNotFound")
    return wrong(`the repository has no revision "${reference.revision ?? "main"}"`, `see ${page}/tree/main`);
  // A mirror may leave the codes out; with a file asked for, the repository had answered before.
  if (code === "EntryNotFound" || (code === "" && answer.status === 404 && file !== undefined))
    return wrong("the repository has no such file", `see ${page}/tree/main`);
  if (/disabled/i.test(said)) return closed("the hub has disabled access to the repository", `see ${page}`);
  if (hasToken && answer.status === 401 && /credential|token/i.test(said))
    return closed(
      "the hub refused your token",
      "log in again (hf auth login), or unset HF_TOKEN to go without",
    );
  if (code === "RepoNotFound" || answer.status === 401 || answer.status === 404)
    return hasToken
      ? closed("your token can see no such repository", "check the spelling, or ask its owner for access")
      : closed(
          "no public repository has this name: it is missing, or private",
          "check the spelling; for a private one set HF_TOKEN",
        );
  if (answer.status === 403)
    return closed(
      `the hub forbids it${said === "" ? "" : ` ("${said}")`}`,
      `check the permissions of your token and ${page}`,
    );
  return closed(
    `the hub answered ${answer.status}${said === "" ? "" : ` ("${said}")`}`,
    "check the id or try again later",
  );
}
