import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { EXIT } from "#kernel/contract/exit-code";
import type { Role } from "#kernel/contract/state";
import { fileAdvice } from "#kernel/files";
import { ControlError, type PolicyAppliedDocument, type PolicyText } from "#sdk/index";
import { type CommonOptions, verb } from "../command.ts";
import { passToDaemon } from "../daemon-process.ts";
import { differenceLines, historyLines, reasonLines } from "../format/policy.ts";
import { io, perform } from "../io.ts";

interface WriteOptions extends CommonOptions {
  readonly write?: boolean;
}

interface ListOptions extends CommonOptions {
  readonly limit: number;
}

const WRITE = ["--write", "also write this text to the daemon's policy file"] as const;

export function policyVerb(program: Command): void {
  const policy = program.command("policy").description("check, compare, apply and explain the policy");
  checkVerb(policy);
  diffVerb(policy);
  applyVerb(policy);
  historyVerb(policy);
  rollbackVerb(policy);
  explainVerb(policy);
}

function checkVerb(policy: Command): void {
  const command = policy
    .command("check")
    .description("check a policy file; needs no daemon")
    .argument("<file>")
    .option("--json", "print one JSON document instead of text");
  command.action((file: string) => {
    const { json = false } = command.opts<CommonOptions>();
    return perform(json, () => passToDaemon(["policy", "check", ...(json ? ["--json"] : []), resolve(file)]));
  });
}

function diffVerb(policy: Command): void {
  const command = policy.command("diff").description("show what a policy file would change").argument("<file>");
  verb<CommonOptions>(command, async (control, options, [file = ""]) => {
    const document = await control.policyDiff(read(file));
    if (options.json) io.json(document);
    else {
      const { from, to, changes } = document;
      io.line(`${from.name} v${from.version} → ${to.name}: ${count(changes.length)}`);
      for (const line of differenceLines(io, changes)) io.line(line);
    }
    return EXIT.ok;
  });
}

function applyVerb(policy: Command): void {
  const command = policy
    .command("apply")
    .description("bring a policy file into force, all or nothing")
    .argument("<file>")
    .option(...WRITE);
  verb<WriteOptions>(command, async (control, options, [file = ""]) => {
    const document = await control.policyApply(read(file), { write: options.write === true });
    printApplied(document, (await control.version()).role, options);
    return EXIT.ok;
  });
}

function rollbackVerb(policy: Command): void {
  const command = policy
    .command("rollback")
    .description("bring an older version into force again, as a new version")
    .argument("<version>", "its number in the history", versionNumber)
    .option(...WRITE);
  verb<WriteOptions>(command, async (control, options, [version = ""]) => {
    const document = await control.policyRollback(Number(version), { write: options.write === true });
    printApplied(document, (await control.version()).role, options);
    return EXIT.ok;
  });
}

function historyVerb(policy: Command): void {
  const command = policy
    .command("history")
    .description("list the versions that were in force, newest first, or print the text of one")
    .argument("[version]", "its number", versionNumber)
    .option("--limit <n>", "list at most this many versions", limit, 20);
  verb<ListOptions>(command, async (control, options, [version]) => {
    if (version !== undefined) {
      const document = await control.policyVersion(Number(version));
      if (options.json) io.json(document);
      else io.line(document.text.trimEnd());
      return EXIT.ok;
    }
    const document = await control.policyHistory(options.limit);
    if (options.json) io.json(document);
    else for (const line of historyLines(io, document)) io.line(line);
    return EXIT.ok;
  });
}

function explainVerb(policy: Command): void {
  const command = policy
    .command("explain")
    .description("show what is permitted now and until when, and why the paths rank as they do")
    .argument("[session]", "its id, or a unique prefix of it");
  verb<CommonOptions>(command, async (control, options, [session]) => {
    const document = await control.policyExplain(session);
    if (options.json) io.json(document);
    else for (const line of reasonLines(io, document)) io.line(line);
    return EXIT.ok;
  });
}

/** The handshake binds a client to its gateway's values. */
function bindingText(role: Role, keys: string, running: number): string {
  if (role === "client") return `${keys}: this client's session follows its gateway's values`;
  const who = running === 1 ? "1 client that is connected goes" : `${running} clients that are connected go`;
  return `${keys}: ${who} on with the old values until the next session; the gateway applies the new ones at once`;
}

function printApplied(document: PolicyAppliedDocument, role: Role, options: CommonOptions): void {
  if (options.json) {
    io.json(document);
    return;
  }
  const { name, version, previous, changed, changes, running, written } = document;
  if (changed) io.line(`in force: ${name} v${version} (before: v${previous}), ${count(changes.length)}`);
  else io.line(`unchanged: ${name} v${version} already has these values`);
  for (const line of differenceLines(io, changes)) io.line(line);
  const later = changes.filter(({ fromNextSession }) => fromNextSession).map(({ key }) => key);
  if (later.length > 0 && running > 0) io.line(`  ${bindingText(role, later.join(", "), running)}`);
  io.line(
    written === null
      ? "  in force until the policy file changes; --write also writes it to that file"
      : `  written to ${written}`,
  );
}

/** Longer ones are refused by the daemon. */
const POLICY_BYTES_MAX = 128 * 1024;

function read(file: string): PolicyText {
  const path = resolve(file);
  const refusal = { code: "configuration", message: `${path}: this policy cannot be read`, retryAfterMs: null } as const;
  try {
    const info = statSync(path);
    if (info.isFile() && info.size <= POLICY_BYTES_MAX) return { file: path, text: readFileSync(path, "utf8") };
  } catch (cause) {
    const advice = fileAdvice((cause as { readonly code?: string }).code, path) ?? { why: String(cause), hint: "check the path" };
    throw new ControlError({ ...refusal, ...advice }, { cause });
  }
  const why = `a policy is a regular file of at most ${POLICY_BYTES_MAX} bytes`;
  throw new ControlError({ ...refusal, why, hint: "check that this is the right file" });
}

const count = (changes: number): string =>
  changes === 0 ? "no value changes" : `${changes} ${changes === 1 ? "value changes" : "values change"}`;

/** Returns text, not a number, because `verb` passes only text arguments on. */
function versionNumber(text: string): string {
  if (!/^v?[1-9]\d{0,14}$/.test(text)) throw new InvalidArgumentError("the number of a version is expected.");
  return text.replace(/^v/, "");
}

function limit(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 1_000) throw new InvalidArgumentError("a number of 1 … 1000 is expected.");
  return value;
}
