import type { Context } from "hono";
import { z } from "zod";
import type { ErrorDocument } from "#kernel/contract/control";
import type { ControlRefusal } from "./find.ts";

const actorHeader = z
  .string()
  .regex(/^[A-Za-z0-9_.@-]{1,64}$/)
  .catch("local");

/** The name that the caller claims. No permission depends on it. */
export const actorOf = (context: Context): string => actorHeader.parse(context.req.header("jumping-vpn-actor"));

/** `undefined` if the body is not JSON; every schema refuses that. */
export async function jsonBody(context: Context): Promise<unknown> {
  try {
    return await context.req.json();
  } catch {
    return undefined;
  }
}

export function badRequest(field: string, why: string): ControlRefusal {
  return {
    status: 400,
    code: "bad_request",
    message: `\`${field}\` is not valid`,
    why: `${field} ${why}`,
    hint: `correct ${field}`,
  };
}

export function refuse(context: Context, refusal: ControlRefusal): Response {
  const { status, ...rest } = refusal;
  const document: ErrorDocument = { schema: "jumping-vpn/error/v1", retryAfterMs: null, ...rest };
  return context.json(document, status);
}
