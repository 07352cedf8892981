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
  /** For the head of the answer, and then for each silence; 0 = none. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** The answer to a call once its head has come; a refusal of the daemon is thrown as `ControlError`. */
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
    const hint = "see whether the daemon is overloaded: `jvpn status`, or its log";
    if (call.timeoutMs > 0) {
      outgoing.setTimeout(call.timeoutMs, () =>
        outgoing.destroy(
          timedOut("the answer of the daemon", call.timeoutMs, "it accepted the question and did not answer", hint),
        ),
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
    return String(process.getuid?.() ?? "unknown"); // an id without an entry in the user table
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
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer of the daemon has more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function refusalOf(status: number, text: string): ControlError {
  try {
    const document = JSON.parse(text) as ErrorDocument;
    if (document.schema === "jumping-vpn/error/v1") return new ControlError(document);
  } catch {
    // no document of a daemon: the error below quotes it
  }
  const why = `it answered with status ${status}: ${text.slice(0, 200)}`;
  return new ControlError({
    code: "unexpected_answer",
    message: "the daemon gave an answer that is not understood",
    why,
    hint: "check that both are of one version: `jvpn version`",
    retryAfterMs: null,
  });
}
