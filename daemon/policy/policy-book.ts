import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import type { Input } from "#core/contract";
import type { Outcome } from "#daemon/config/document";
import { BUILT_IN, type CheckedPolicy, checkPolicy, faultLine, numbered, readPolicy } from "#daemon/config/policy";
import { causeText, type Fault } from "#daemon/fault";
import { differences } from "#domains/policy/diff";
import type { PolicySet } from "#domains/policy/model";
import type {
  Applied,
  PolicyDiffDocument,
  PolicyExplainDocument,
  PolicyHistoryDocument,
  PolicyOrigin,
  PolicyText,
  PolicyVersion,
  PolicyVersionDocument,
} from "#kernel/contract/policy";
import type { PolicyHistory, StoredPolicy } from "./policy-history.ts";
import { replaceFile } from "./replace-file.ts";

type Offered = Extract<Input, { type: "PolicyOffered" }>;
export type InForce = PolicyExplainDocument["policy"];

/** The refusal of a request, which changed nothing. */
export interface PolicyRefusal {
  readonly code: "policy_invalid" | "not_found" | "failed";
  readonly faults: readonly [Fault, ...Fault[]];
}

export type PolicyAnswer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: PolicyRefusal };

interface PolicyPlace {
  /** The file of this daemon; `null` = `beside` if that exists, else the built-in policy. */
  readonly file: string | null;
  readonly beside: string;
}

interface Wish {
  readonly policy: CheckedPolicy;
  readonly origin: "apply" | "rollback";
  readonly actor: string;
  readonly write: boolean;
}

/**
 *     policy.toml ──read()──┐                       ┌─► store: version, digest, text, actor, time
 *                           ├─► check ─► in force ──┤
 *     operator ───apply()───┘     │                 └─► core: PolicyOffered
 *                                 └─► refused: the policy in force stays
 *
 * The newest change wins: an operator's policy stays in force, across restarts, until the file's text differs from its
 * text at the time of the `apply`. While the file is invalid, new sessions are denied. An invalid `apply` is only
 * refused.
 */
export class PolicyBook {
  readonly #history: PolicyHistory;
  readonly #place: PolicyPlace;
  readonly #offer: (offered: Offered) => void;
  readonly #wallMs: () => number;
  #values: PolicySet | null = null;
  #origin: PolicyOrigin = "built-in";
  /** The faults of a refused file; empty = no file is refused. */
  #faults: readonly Fault[] = [];

  constructor(history: PolicyHistory, place: PolicyPlace, offer: (offered: Offered) => void, wallMs: () => number) {
    this.#history = history;
    this.#place = place;
    this.#offer = offer;
    this.#wallMs = wallMs;
  }

  /** The policy in force; `null` before the first `read`. */
  get values(): PolicySet | null {
    return this.#values;
  }

  get inForce(): InForce {
    const base = this.#values?.base;
    return {
      name: base?.name ?? "none",
      version: base?.version ?? 0,
      digest: base?.digest ?? "",
      origin: this.#origin,
      file: this.#file,
      valid: this.#faults.length === 0 && base !== undefined,
      errors: this.#faults.map(faultLine),
      overFile: this.#history.overridden !== null,
    };
  }

  /**
   * Reads the file at the start and at every reload. Returns the faults of a refused file: the last valid policy then
   * stays in force for running sessions, and new ones are denied. Throws if the store fails.
   */
  read(): readonly Fault[] {
    const text = readPolicy(this.#file);
    const applied = this.#history.overridden === markOf(text) ? this.#lastValid() : null;
    if (applied !== null) {
      this.#enter(applied.policy, applied.stored.version, applied.stored.origin);
      return [];
    }
    const checked = text.ok ? checkPolicy(text.value) : text;
    if (checked.ok) this.#enterFile(checked.value);
    else this.#refuseFile(checked.faults);
    return this.#faults;
  }

  diff(offered: PolicyText): PolicyAnswer<PolicyDiffDocument> {
    const checked = checkPolicy(offered);
    if (!checked.ok) return invalid(checked.faults);
    const { name, version, digest } = this.inForce;
    return {
      ok: true,
      value: {
        schema: "jumping-vpn/policy-diff/v1",
        from: { name, version, digest },
        to: { name: checked.value.name, digest: checked.value.digest },
        changes: this.#changesTo(checked.value),
      },
    };
  }

  /** Brings a policy into force. `write` = also write its text to the daemon's policy file. */
  apply(offered: PolicyText, actor: string, write: boolean): PolicyAnswer<Applied> {
    const checked = checkPolicy(offered);
    return checked.ok ? this.#carryOut({ policy: checked.value, origin: "apply", actor, write }) : invalid(checked.faults);
  }

  /** Brings the text of an older version into force as a new version. */
  rollback(version: number, actor: string, write: boolean): PolicyAnswer<Applied> {
    const stored = this.#history.find(version);
    if (stored === null) return { ok: false, error: { code: "not_found", faults: [noSuchVersion(version)] } };
    const checked = checkPolicy({ file: `version ${version}`, text: stored.text });
    return checked.ok ? this.#carryOut({ policy: checked.value, origin: "rollback", actor, write }) : invalid(checked.faults);
  }

  history(limit: number): PolicyHistoryDocument {
    const versions = this.#history.list(limit).map((stored) => this.#versionView(stored));
    return { schema: "jumping-vpn/policy-history/v1", total: this.#history.total, versions };
  }

  version(version: number): PolicyAnswer<PolicyVersionDocument> {
    const stored = this.#history.find(version);
    if (stored === null) return { ok: false, error: { code: "not_found", faults: [noSuchVersion(version)] } };
    return {
      ok: true,
      value: { schema: "jumping-vpn/policy-version/v1", version: this.#versionView(stored), text: stored.text },
    };
  }

  get #file(): string | null {
    const { file, beside } = this.#place;
    return file ?? (existsSync(beside) ? beside : null);
  }

  #enterFile(policy: CheckedPolicy): void {
    const { newest } = this.#history;
    const origin = policy.file === BUILT_IN.file ? "built-in" : "file";
    if (newest?.digest !== policy.digest) {
      this.#enter(
        policy,
        this.#history.add(this.#toStore(policy, origin, "file"), null, () => {}),
        origin,
      );
      return;
    }
    this.#history.returnToFile();
    this.#enter(policy, newest.version, newest.origin);
  }

  /** At the start no policy is in force yet: the last valid one, else the built-in one, comes into force. */
  #refuseFile(faults: readonly Fault[]): void {
    if (this.#values === null) {
      const last = this.#lastValid();
      const builtIn = checkPolicy(BUILT_IN);
      if (last !== null) this.#enter(last.policy, last.stored.version, last.stored.origin);
      else if (builtIn.ok) this.#enter(builtIn.value, 0, "built-in");
    }
    this.#history.returnToFile();
    this.#faults = faults;
    this.#offer({ type: "PolicyOffered", outcome: { ok: false, errors: faults.map(faultLine) } });
  }

  #carryOut({ policy, origin, actor, write }: Wish): PolicyAnswer<Applied> {
    const previous = this.inForce;
    const changes = this.#changesTo(policy);
    const changed = previous.digest !== policy.digest;
    const written = write ? (this.#file ?? this.#place.beside) : null;
    const overridden = write ? null : markOf(readPolicy(this.#file));
    const alongside = () => written !== null && replaceFile(written, policy.text);
    let version = previous.version;
    try {
      if (changed || version === 0) version = this.#history.add(this.#toStore(policy, origin, actor), overridden, alongside);
      else this.#history.keep(overridden, alongside);
    } catch (cause) {
      return { ok: false, error: { code: "failed", faults: [notKept(cause)] } };
    }
    this.#enter(policy, version, changed ? origin : previous.origin, actor);
    const { name, digest } = policy;
    const schema = origin === "apply" ? "jumping-vpn/policy-apply/v1" : "jumping-vpn/policy-rollback/v1";
    return { ok: true, value: { schema, name, version, digest, previous: previous.version, changed, changes, written } };
  }

  /** Brings a policy into force. If its version already is, nothing changes for the sessions and nothing is offered. */
  #enter(policy: CheckedPolicy, version: number, origin: PolicyOrigin, actor?: string): void {
    if (this.inForce.valid && this.#values?.base.version === version) return;
    this.#values = numbered(policy, version);
    this.#origin = origin;
    this.#faults = [];
    const outcome = { ok: true as const, policy: this.#values };
    this.#offer({ type: "PolicyOffered", outcome, ...(actor === undefined ? {} : { by: actor }) });
  }

  /** The newest version, if this program still accepts it. */
  #lastValid(): { stored: StoredPolicy; policy: CheckedPolicy } | null {
    const stored = this.#history.newest;
    if (stored === null) return null;
    const checked = checkPolicy(stored);
    return checked.ok ? { stored, policy: checked.value } : null;
  }

  #changesTo(policy: CheckedPolicy) {
    return this.#values === null ? [] : differences(this.#values, policy.values);
  }

  #toStore(policy: CheckedPolicy, origin: PolicyOrigin, actor: string): Omit<StoredPolicy, "version"> {
    const { name, digest, file, text } = policy;
    return { name, digest, file, text, origin, actor, wallMs: this.#wallMs() };
  }

  #versionView({ version, name, digest, origin, actor, wallMs }: StoredPolicy): PolicyVersion {
    const inForce = this.#values?.base.version === version;
    return { version, name, digest, origin, actor, time: new Date(wallMs).toISOString(), inForce };
  }
}

/** A short text that identifies the content of the file; it is the same for every unreadable file. */
function markOf(read: Outcome<PolicyText>): string {
  return read.ok ? createHash("blake2s256").update(read.value.text).digest("hex") : "unreadable";
}

function invalid(faults: readonly Fault[]): { ok: false; error: PolicyRefusal } {
  const [first, ...rest] = faults;
  const none = { what: "the policy is not valid", why: "it was refused", hint: "run `jvpn policy check` on it" };
  return { ok: false, error: { code: "policy_invalid", faults: [first ?? none, ...rest] } };
}

function noSuchVersion(version: number): Fault {
  const why = "it was never in force here, or it is too old for the history";
  return { what: `there is no version ${version} of the policy`, why, hint: "list all versions with `jvpn policy history`" };
}

function notKept(cause: unknown): Fault {
  const hint = "check the disk, and the permissions of the state directory and of the policy file";
  return { what: "the policy could not be stored, so it was not applied", why: causeText(cause), hint };
}
