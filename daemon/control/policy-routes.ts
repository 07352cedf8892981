import type { Context, Hono } from "hono";
import { z } from "zod";
import { POLICY_BYTES_MAX } from "#daemon/config/policy";
import type { Fault } from "#daemon/fault";
import type { InForce, PolicyAnswer, PolicyRefusal } from "#daemon/policy/policy-book";
import { VERSIONS_MAX } from "#daemon/policy/policy-history";
import type {
  Applied,
  PolicyAppliedDocument,
  PolicyDiffDocument,
  PolicyExplainDocument,
  PolicyHistoryDocument,
  PolicyText,
  PolicyVersionDocument,
} from "#kernel/contract/policy";
import { LIVE_STATES } from "#kernel/contract/state";
import { actorOf, badRequest, jsonBody, refuse } from "./answer.ts";
import { type ControlRefusal, findSession, type Sessions } from "./find.ts";

/** The policy functions of a daemon that operators may use. */
export interface PolicyTarget {
  readonly policy: {
    readonly inForce: InForce;
    diff(offered: PolicyText): PolicyAnswer<PolicyDiffDocument>;
    apply(offered: PolicyText, actor: string, write: boolean): PolicyAnswer<Applied>;
    rollback(version: number, actor: string, write: boolean): PolicyAnswer<Applied>;
    history(limit: number): PolicyHistoryDocument;
    version(version: number): PolicyAnswer<PolicyVersionDocument>;
  };
  readonly sessions: Sessions;
  /** Writes to the record that an operator's policy was refused. */
  policyRefused(actor: string, faults: readonly Fault[]): void;
}

/** Text in JSON has at most twice its length, except for control characters, which TOML refuses. */
export const POLICY_BODY_BYTES_MAX = 2 * POLICY_BYTES_MAX + 16 * 1024;
const EXPLAINED_MAX = 16;

const offered = { text: z.string(), file: z.string().min(1).max(4_096) };
const diffBody = z.strictObject(offered);
const applyBody = z.strictObject({ ...offered, write: z.boolean().default(false) });
const version = z.int().min(1);
const rollbackBody = z.strictObject({ version, write: z.boolean().default(false) });
const limitQuery = z.coerce.number().int().min(1).max(VERSIONS_MAX).default(20);

export function policyRoutes(app: Hono, target: PolicyTarget): void {
  const { policy } = target;
  app.post("/v1/policy/diff", async (context) => {
    const body = diffBody.safeParse(await jsonBody(context));
    return body.success ? answer(context, policy.diff(body.data)) : refuse(context, notAPolicy());
  });
  app.post("/v1/policy/apply", async (context) => {
    const body = applyBody.safeParse(await jsonBody(context));
    if (!body.success) return refuse(context, notAPolicy());
    const { write, ...text } = body.data;
    return answerAct(context, target, policy.apply(text, actorOf(context), write));
  });
  app.post("/v1/policy/rollback", async (context) => {
    const body = rollbackBody.safeParse(await jsonBody(context));
    if (!body.success) return refuse(context, badRequest("version", "must be the number of a version"));
    return answerAct(context, target, policy.rollback(body.data.version, actorOf(context), body.data.write));
  });
  app.get("/v1/policy/history", (context) => {
    const limit = limitQuery.safeParse(context.req.query("limit"));
    return limit.success
      ? context.json(policy.history(limit.data))
      : refuse(context, badRequest("limit", `must be a number of 1 … ${VERSIONS_MAX}`));
  });
  app.get("/v1/policy/history/:version", (context) => {
    const wanted = version.safeParse(Number(context.req.param("version")));
    return wanted.success
      ? answer(context, policy.version(wanted.data))
      : refuse(context, badRequest("version", "must be the number of a version"));
  });
  app.get("/v1/policy/explain", (context) => explained(context, target));
}

function explained(context: Context, target: PolicyTarget): Response {
  const wanted = context.req.query("session");
  const live = { named: (beginning: string) => target.sessions.named(beginning).filter(({ state }) => state !== "TERMINATED") };
  const found = wanted === undefined ? null : findSession(live, wanted);
  if (found?.ok === false) return refuse(context, found.error);
  const worst = target.sessions.page({ offset: 0, limit: EXPLAINED_MAX, states: LIVE_STATES });
  const chosen = found === null ? worst.sessions : [found.value];
  const { inForce } = target.policy;
  const document: PolicyExplainDocument = {
    schema: "jumping-vpn/policy-explain/v1",
    policy: inForce,
    newSessions: { allowed: inForce.valid, reason: inForce.valid ? null : "policy_invalid" },
    sessions: chosen.map(({ handle }) => target.sessions.explain(handle)).filter((session) => session !== null),
    total: worst.total,
  };
  return context.json(document);
}

/** Answers. A policy that is refused for its text is recorded with the name of this operator. */
function answerAct(context: Context, target: PolicyTarget, outcome: PolicyAnswer<Applied>): Response {
  if (outcome.ok) {
    const running = target.sessions.page({ offset: 0, limit: 1, states: LIVE_STATES }).total;
    const document: PolicyAppliedDocument = { ...outcome.value, running };
    return context.json(document);
  }
  if (outcome.error.code !== "not_found") target.policyRefused(actorOf(context), outcome.error.faults);
  return answer(context, outcome);
}

function answer<T extends object>(context: Context, outcome: PolicyAnswer<T>): Response {
  return outcome.ok ? context.json(outcome.value) : refuse(context, refusalOf(outcome.error));
}

function refusalOf({ code, faults }: PolicyRefusal): ControlRefusal {
  const [{ what, why, hint, file, line }] = faults;
  const place = file === undefined ? "" : `${file}${line ? `:${line}` : ""}: `;
  const refusal = { status: code === "not_found" ? 404 : 409, code, message: `${place}${what}`, why, hint } as const;
  if (code !== "policy_invalid") return refusal;
  return { ...refusal, faults: faults.map((fault) => ({ ...fault, file: fault.file ?? "", line: fault.line ?? null })) };
}

function notAPolicy(): ControlRefusal {
  return badRequest("text", "must be the text of a policy, with the name of its file");
}
