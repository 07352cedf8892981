import type { Command } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import { type StatusDocument, statesText } from "#sdk/index";
import type { CommonOptions } from "../command.ts";
import { verb } from "../command.ts";
import { dialAdvice, unresolvedText } from "../format/dial.ts";
import { sessionLines, sessionRow } from "../format/session.ts";
import { cut, duration, paint, TABLE_COLUMNS_MIN, table } from "../format/text.ts";
import { io } from "../io.ts";

/** Rows that fit on one screen. */
const ROWS_MAX = 12;
const REFUSED_MAX = 4;
/** Enough of a public key to recognise it. */
const KEY_SHOWN = "jvpk1:".length + 10;

interface Options extends CommonOptions {
  readonly check?: boolean;
}

export function statusVerb(program: Command): void {
  const command = program
    .command("status")
    .description("show what this node is doing, and what is wrong")
    .option("--check", "exit with 10 if not ATTACHED, with 11 if TERMINATED");
  verb<Options>(command, async (control, options) => {
    const status = await control.status();
    if (options.json) io.json(status);
    else for (const line of statusLines(status)) io.line(line);
    return options.check ? checkCode(status) : EXIT.ok;
  });
}

/** 0 at a gateway if every live session is attached; at a client if its session is. */
function checkCode(status: StatusDocument): number {
  const { ATTACHED: attached, TERMINATED: terminated, ...others } = status.view.states;
  const waiting = Object.values(others).reduce((sum, count) => sum + count, 0);
  if (status.role === "gateway") return waiting === 0 ? EXIT.ok : EXIT.notAttached;
  if (attached > 0) return EXIT.ok;
  return waiting === 0 && terminated > 0 ? EXIT.terminated : EXIT.notAttached;
}

function statusLines(status: StatusDocument): string[] {
  return [...(status.role === "client" ? clientLines(status) : gatewayLines(status)), ...troubleLines(status)];
}

function clientLines(status: StatusDocument): string[] {
  const { view } = status;
  const live = view.sessions.filter((session) => session.state !== "TERMINATED");
  const shown = live.length > 0 ? live : view.sessions.slice(-1);
  const lines = shown.flatMap((session) => sessionLines(io, session, view.bootMs));
  if (live.length > 0) return lines;
  if (view.dial === null)
    return lines.length > 0 ? lines : [`${paint(io, "yellow", "○")} no session, and the client does not dial`];
  const { sinceBootMs, attempts, lastReason } = view.dial;
  if (sinceBootMs === 0) {
    const unknown = status.unresolved.some(({ inUse }) => inUse.length === 0);
    const what = unknown ? "a gateway's name does not resolve" : "no usable link to a gateway yet";
    return [...lines, `${paint(io, "yellow", "○ WAITING")}   ${what}`];
  }
  const tries = attempts > 0 ? `, ${attempts} without success` : "";
  lines.push(
    `${paint(io, "yellow", "○ DIALLING")}   for ${duration(view.bootMs - sinceBootMs)}${tries}${lastReason === null ? "" : `   last failure ${lastReason}`}`,
  );
  if (attempts > 0) lines.push(...dialAdvice(status.publicKey, lastReason));
  return lines;
}

function gatewayLines(status: StatusDocument): string[] {
  const { view } = status;
  const lines = [
    `${paint(io, "green", "●")} gateway ${paint(io, "bold", status.node)}   up ${duration(status.uptimeMs)}   policy ${view.policy.name} v${view.policy.version}`,
    `  listen     ${status.listen.join(", ") || "—"}`,
    `  tunnel     ${status.tunnel.interface} ${status.tunnel.addresses.join(", ")}   mtu ${status.tunnel.mtu}`,
    `  sessions   ${statesText(view.states) || "none"}`,
  ];
  lines.push(...refusedLines(status));
  const rows = view.sessions.filter((session) => session.state !== "TERMINATED").slice(0, ROWS_MAX);
  lines.push(...table(rows.map((session) => ["", ...sessionRow(io, session)])).map((line) => cut(io, line, TABLE_COLUMNS_MIN)));
  if (view.sessions.length > rows.length && rows.length === ROWS_MAX) lines.push(`  … list all of them with \`jvpn sessions\``);
  return lines;
}

/** The most frequent handshakes that came to nothing. */
function refusedLines({ refused }: StatusDocument): string[] {
  const shown = refused.slice(0, REFUSED_MAX).map(({ cause, count, lastAt, remote, key }, index) => {
    const sender = [remote, key === null ? null : `${key.slice(0, KEY_SHOWN)}…`].filter((part) => part !== null).join(" ");
    const last = `last ${lastAt.slice(0, 19).replace("T", " ")}${sender === "" ? "" : ` from ${sender}`}`;
    return `  ${(index === 0 ? "refused" : "").padEnd(10)} ${count} × ${cause}, ${last}`;
  });
  const more = refused.length > shown.length ? [`             … ${refused.length - shown.length} more in --json`] : [];
  return [...shown, ...more];
}

function troubleLines(status: StatusDocument): string[] {
  const lines: string[] = [];
  const bad = (text: string) => lines.push(paint(io, "red", `  ! ${text}`));
  if (status.tunnel.error !== null) bad(`tunnel ${status.tunnel.interface} is not configured: ${status.tunnel.error}`);
  for (const text of status.unresolved.map(unresolvedText)) bad(text);
  const { closed } = status.tunnel;
  if (closed.length > 0) bad(`traffic for ${closed.join(", ")} is held back until the tunnel carries it, or until \`jvpn down\``);
  for (const warning of status.tunnel.warnings) bad(`tunnel: ${warning}`);
  const { errors, warnings, awaitingRestart } = status.config;
  for (const warning of warnings) bad(`the next start will fail: ${warning}`);
  if (errors.length > 0) bad("the configuration file is refused; the last valid one stays in force:");
  for (const error of errors) bad(`  ${error}`);
  if (awaitingRestart.length > 0) bad(`changed settings wait for a restart: ${awaitingRestart.join(", ")}`);
  if (!status.view.policy.valid) {
    bad(
      `policy is invalid: new sessions are denied, running ones keep ${status.view.policy.name} v${status.view.policy.version}`,
    );
    for (const error of status.view.policy.errors) bad(`  ${error}`);
  }
  for (const [domain, health] of Object.entries(status.view.health)) {
    const why = domain === "observability" ? status.record.trouble : null;
    if (health !== "ok") bad(`${domain}: ${health}${why === null ? "" : `: ${why}`}`);
  }
  if (status.record.lost > 0) bad(`${status.record.lost} records were lost`);
  return lines;
}
