import { EXIT } from "#kernel/contract/exit-code";
import { code, type Page, page, table } from "./markdown.ts";

const MEANING: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: "done",
  failed: "failed: the message says what, why and what to do",
  usage: "the command line or a request is invalid",
  timeout: "the wanted state was not reached in time",
  configuration: "a configuration, policy or key file is refused; the message names file and line",
  security: "the security domain refused",
  notFound: "no such session or path",
  denied: "denied by policy, a limit, a cooldown or the other end; the message says when to try again, if a time is known",
  notRunning: "the daemon does not answer on its control socket",
  notAuthoritative: "this node has no authority over the session",
  notAttached: "the session exists but is not ATTACHED",
  terminated: "the session is TERMINATED",
};

/** The exit codes of `jvpn` and `jvpnd`. */
export function exitCodes(): Page {
  const rows = Object.entries(EXIT).map(([name, value]) => [code(String(value)), name, MEANING[name as keyof typeof EXIT]]);
  return page("exit-codes.md", "kernel/contract/exit-code.ts", "Exit codes", [
    "`jvpn` and `jvpnd` use the same codes, which are part of the interface. A failure also prints three lines to stderr (what, why, what to do), or with `--json` one document `jumping-vpn/error/v1`.",
    table(["code", "name", "meaning"], rows),
  ]);
}
