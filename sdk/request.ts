import { type IncomingMessage, request } from "node:http";
import { userInfo } from "node:os";
import type { ErrorDocument } from "#kernel/contract/control";
import { ControlError, notRunning, timedOut } from "./errors.ts";

/**
 * The longest answers are a page of 1,000 sessions with eight paths each, about 4 MB, and 512 records of one session.
 */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  /** Time limit for the response headers, and then for each silence, ms; 0 = none. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Resolves with the answer when its headers have arrived. A refusal by the daemon is thrown as `ControlError`. */
export function open(socket: string, call: Call): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const payload = call.body === undefined ? undefined : JSON.stringify(call.body);
    const outgoing = request({
      socketPath: socket,
      path: call.path,
      method: call.method,
      agent: false,
      headers: {
        host: "jumping-vpn",
        connection: "close",
        "jumping-vpn-actor": operator(),
        ...(payload === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
    const hint = "check whether the daemon is overloaded: `jvpn status`, or its log";
    if (call.timeoutMs > 0) {
      outgoing.setTimeout(call.timeoutMs, () =>
        outgoing.destroy(timedOut("the daemon's answer", call.timeoutMs, "it accepted the request and did not answer", hint)),
      );
    }
    outgoing.on("error", (cause) =>
      reject(cause instanceof ControlError || call.signal?.aborted ? cause : notRunning(socket, cause)),
    );
    outgoing.on("response", (answer) => {
      if (answer.statusCode === 200) resolve(answer);
      else textOf(answer).then((text) => reject(refusalOf(answer.statusCode ?? 0, text)), reject);
    });
    outgoing.end(payload);
  });
}

/** The name of the operator for the record. The daemon does not verify it, and no permission depends on it. */
function operator(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown"); // the user id has no entry in the user table
  }
}

export async function ask<T>(socket: string, call: Call): Promise<T> {
  const text = await textOf(await open(socket, call));
  return JSON.parse(text) as T;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the daemon's answer has more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function refusalOf(status: number, text: string): ControlError {
  try {
    const document = JSON.parse(text) as ErrorDocument;
    if (document.schema === "jumping-vpn/error/v1") return new ControlError(document);
  } catch {
    // not an error document of a daemon: the error below quotes the text
  }
  const why = `it has status ${status}: ${text.slice(0, 200)}`;
  return new ControlError({
    code: "unexpected_answer",
    message: "the daemon's answer cannot be understood",
    why,
    hint: "check that jvpn and jvpnd have the same version: `jvpn version`",
    retryAfterMs: null,
  });
}
