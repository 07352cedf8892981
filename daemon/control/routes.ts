import { type Context, Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { streamSSE } from "hono/streaming";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import type { OperatorOutcome, OperatorRequest } from "#core/contract";
import type { Subscriber } from "#daemon/record/subscriber";
import {
  type ErrorDocument,
  SESSIONS_PAGE_MAX,
  type StatusDocument,
  type TimelineDocument,
  type VersionDocument,
} from "#kernel/contract/control";
import { REASONS, reasonOf } from "#kernel/contract/reason";
import { LIVE_STATES, STATES, type StateName } from "#kernel/contract/state";
import type { SessionPage, SessionView } from "#kernel/contract/view";
import { actorOf, badRequest, jsonBody, refuse } from "./answer.ts";
import { type Found, findPath, findSession, living } from "./find.ts";
import { POLICY_BODY_BYTES_MAX, type PolicyTarget, policyRoutes } from "./policy-routes.ts";

/** The functions of a daemon that operators may use. */
export interface ControlTarget extends PolicyTarget {
  status(): StatusDocument;
  version(): VersionDocument;
  timeline(id: string): Omit<TimelineDocument, "schema"> | null;
  /** `actor` is written to the record. */
  operate(actor: string, request: OperatorRequest): Promise<OperatorOutcome>;
  /** True if the configuration forbids this client to use the interface. */
  neverUses(interfaceName: string): boolean;
  shutdown(actor: string): void;
  /**
   * `since` = start with the records after this number that are still in memory; `null` = only new records. Returns
   * `null` if there are too many readers.
   */
  subscribe(since: number | null): Subscriber | null;
  unsubscribe(subscriber: Subscriber): void;
}

const BODY_BYTES_MAX = 64 * 1024;
const HEARTBEAT_MS = 15_000;

const switchBody = z.strictObject({ to: z.union([z.string().min(1).max(128), z.int().min(0)]) });
/** An operator's reason: one line for the record. */
const terminateBody = z.strictObject({
  reason: z
    .string()
    .min(1, "must not be empty")
    .max(256, "must have at most 256 characters")
    .regex(/^[^\p{Cc}]*$/u, "must be one line"),
});
const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(SESSIONS_PAGE_MAX).default(SESSIONS_PAGE_MAX),
  offset: z.coerce.number().int().min(0).default(0),
  state: z.preprocess((text) => (typeof text === "string" ? text.split(",") : undefined), z.array(z.enum(STATES)).optional()),
});
const PAGE_HELP: Readonly<Record<string, string>> = {
  limit: `must be a number of 1 … ${SESSIONS_PAGE_MAX}`,
  offset: "must be a whole number, at least 0",
  state: `must be one or more of ${STATES.join(",")}, separated by commas`,
};
const sinceQuery = z.coerce.number().int().min(0).optional();
export function createRoutes(target: ControlTarget): Hono {
  const app = new Hono();
  const [small, large] = [bodyOf(BODY_BYTES_MAX), bodyOf(POLICY_BODY_BYTES_MAX)];
  app.use((context, next) => (context.req.path.startsWith("/v1/policy/") ? large : small)(context, next));
  readRoutes(app, target);
  actRoutes(app, target);
  policyRoutes(app, target);
  app.get("/v1/events", (context) => eventStream(context, target));
  app.notFound((context) => {
    const hint =
      "GET /v1/status, /v1/sessions, /v1/paths, /v1/events, /v1/version, /v1/policy/history, /v1/policy/explain; " +
      "POST /v1/sessions/ID/switch, …/terminate, /v1/policy/diff, /v1/policy/apply, /v1/policy/rollback, /v1/shutdown";
    return refuse(context, {
      status: 404,
      code: "unknown_command",
      message: `unknown command ${context.req.method} ${context.req.path}`,
      why: "the control API of this daemon has no such route",
      hint,
    });
  });
  app.onError((cause, context) => {
    const document: ErrorDocument = {
      schema: "jumping-vpn/error/v1",
      code: "internal",
      message: "the daemon failed to answer",
      why: cause.message,
      hint: "see its log",
      retryAfterMs: null,
    };
    return context.json(document, 500);
  });
  return app;
}

function bodyOf(maxSize: number): MiddlewareHandler {
  const tooLarge = {
    status: 400,
    code: "bad_request",
    message: "the request is too large",
    why: `its body may have at most ${maxSize} bytes`,
    hint: "send a shorter request",
  } as const;
  return bodyLimit({ maxSize, onError: (context) => refuse(context, tooLarge) });
}

function readRoutes(app: Hono, target: ControlTarget): void {
  app.get("/v1/status", (context) => context.json(target.status()));
  app.get("/v1/version", (context) => {
    return context.json(target.version());
  });
  app.get("/v1/sessions", (context) => {
    const page = pageOf(context, target, STATES);
    return page.ok ? context.json({ schema: "jumping-vpn/sessions/v1", ...page.value }) : refuse(context, page.error);
  });
  app.get("/v1/sessions/:id", (context) => {
    const found = sessionOf(target, context.req.param("id"));
    return found.ok
      ? context.json({ schema: "jumping-vpn/session/v1", bootMs: target.sessions.bootMs(), session: found.value })
      : refuse(context, found.error);
  });
  app.get("/v1/sessions/:id/timeline", (context) => {
    const id = context.req.param("id");
    const found = findSession(target.sessions, id);
    const timeline = target.timeline(found.ok ? found.value.id : id);
    if (timeline !== null) return context.json({ schema: "jumping-vpn/timeline/v1", ...timeline });
    return found.ok
      ? context.json({ schema: "jumping-vpn/timeline/v1", session: found.value.id, truncated: true, events: [] })
      : refuse(context, found.error);
  });
  app.get("/v1/paths", (context) => {
    const page = pageOf(context, target, LIVE_STATES);
    if (!page.ok) return refuse(context, page.error);
    const sessions = page.value.sessions.map(({ id, state, paths }) => ({ session: id, state, paths }));
    return context.json({ schema: "jumping-vpn/paths/v1", total: page.value.total, sessions });
  });
}

/** The page that the query describes; of `states`, if the query names none. */
function pageOf(context: Context, target: ControlTarget, states: readonly StateName[]): Found<SessionPage> {
  const query = pageQuery.safeParse(context.req.query());
  if (!query.success) {
    const field = String(query.error.issues[0]?.path[0] ?? "query");
    return { ok: false, error: badRequest(field, PAGE_HELP[field] ?? "may have limit, offset and state") };
  }
  const { limit, offset, state = states } = query.data;
  return { ok: true, value: target.sessions.page({ limit, offset, states: state }) };
}

function sessionOf(target: ControlTarget, text: string): Found<SessionView> {
  const found = findSession(target.sessions, text);
  if (!found.ok) return found;
  const value = target.sessions.session(found.value.handle);
  if (value === null) throw new Error(`session ${found.value.id} is in the directory, but has no view`);
  return { ok: true, value };
}

function actRoutes(app: Hono, target: ControlTarget): void {
  app.post("/v1/sessions/:id/switch", async (context) => {
    const body = switchBody.safeParse(await jsonBody(context));
    if (!body.success) return refuse(context, badRequest("to", "must be the label or number of a path"));
    const found = sessionOf(target, context.req.param("id"));
    const session = found.ok ? living(found.value) : found;
    if (!session.ok) return refuse(context, session.error);
    const path = findPath(session.value, String(body.data.to), (name) => target.neverUses(name));
    if (!path.ok) return refuse(context, path.error);
    return done(
      context,
      "switch",
      await target.operate(actorOf(context), { verb: "switch", session: session.value.handle, to: path.value.id }),
    );
  });
  app.post("/v1/sessions/:id/terminate", async (context) => {
    const body = terminateBody.safeParse(await jsonBody(context));
    if (!body.success) return refuse(context, badRequest("reason", "must be one line of at most 256 characters"));
    const found = sessionOf(target, context.req.param("id"));
    const session = found.ok ? living(found.value) : found;
    if (!session.ok) return refuse(context, session.error);
    return done(
      context,
      "terminate",
      await target.operate(actorOf(context), { verb: "terminate", session: session.value.handle, detail: body.data.reason }),
    );
  });
  app.post("/v1/shutdown", (context) => {
    target.shutdown(actorOf(context));
    return context.json({ schema: "jumping-vpn/done/v1", verb: "shutdown", value: null });
  });
}

function eventStream(context: Context, target: ControlTarget): Response {
  const since = sinceQuery.safeParse(context.req.query("since") ?? context.req.header("last-event-id"));
  if (!since.success) return refuse(context, badRequest("since", "must be the number of a record"));
  const subscriber = target.subscribe(since.data ?? null);
  if (subscriber === null) {
    return refuse(context, {
      status: 409,
      code: "resource_exhausted",
      message: "too many readers of the event stream",
      why: "each reader needs memory, so their number is limited",
      hint: "end another reader, such as a `jvpn watch`",
    });
  }
  return streamSSE(context, async (stream) => {
    stream.onAbort(() => subscriber.close());
    try {
      for (;;) {
        const items = await subscriber.take(HEARTBEAT_MS);
        if (items === null || stream.aborted) return;
        if (items.length === 0) await stream.write(": alive\n\n");
        for (const item of items)
          await stream.writeSSE({ data: JSON.stringify(item), id: String("seq" in item ? item.seq : item.last) });
      }
    } finally {
      target.unsubscribe(subscriber);
    }
  });
}

function done(context: Context, verb: string, outcome: OperatorOutcome): Response {
  if (outcome.ok) return context.json({ schema: "jumping-vpn/done/v1", verb, value: outcome.value ?? null });
  const { code, message, hint, retryAfterMs, deniedBy } = outcome.error;
  const reason = reasonOf(code);
  const why = reason === undefined ? message : REASONS[reason];
  const status: ContentfulStatusCode = code === "not_found" || code === "unknown_path" ? 404 : 409;
  const document: ErrorDocument = { schema: "jumping-vpn/error/v1", code, message, why, hint, retryAfterMs };
  return context.json(deniedBy === undefined ? document : { ...document, deniedBy }, status);
}
