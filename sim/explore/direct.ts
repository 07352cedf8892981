import { mintAttachProof, mintHandshakeProof } from "#domains/security/proof";
import type { Step } from "#domains/session/effect";
import type { Occurrence, SessionEvent } from "#domains/session/event";
import { birth, type Context, type Session } from "#domains/session/model";
import { step } from "#domains/session/step";
import type { Report } from "#kernel/contract/engine.generated";
import type { Role } from "#kernel/contract/state";
import { ALLOWED, type Verdict } from "#kernel/contract/verdict";
import { Checker } from "#transcripts/checker";
import { presetPolicy } from "#transcripts/presets";
import { gatewayPath } from "#transcripts/scene";

const NOW = 1_000;
const LIMITS = presetPolicy("patient").policy.base.session;
const DENIED: Verdict = { allowed: false, reason: "cooldown_active", retryAfterMs: 500, used: 1, max: 1 };

/**
 * Plays every event on every state of the reducer alone, in all contexts. This includes cases that the core cannot
 * reach by itself, such as the ownership of another node or a timer that the state does not have. Returns the broken
 * laws.
 */
export function everyEventOnEveryState(): readonly string[] {
  const broken = new Set<string>();
  for (const role of ["client", "gateway"] as const) {
    for (const session of statesOf(role))
      for (const event of eventsFor(session))
        for (const context of CONTEXTS) for (const law of judged(session, event, context)) broken.add(law);
  }
  return [...broken];
}

const CONTEXTS: readonly Context[] = [true, false].flatMap((authority) =>
  [null, 2].flatMap((candidate) => [ALLOWED, DENIED].map((verdict) => ({ limits: LIMITS, authority, candidate, verdict }))),
);

function judged(session: Session, event: Occurrence, context: Context): readonly string[] {
  const where = `${session.role} ${session.state} ${event.type}`;
  let done: Step;
  try {
    done = step(session, event as SessionEvent, context, NOW + 1);
  } catch (fault) {
    return [`I16: ${where}: ${String(fault)}`];
  }
  const { next, audit } = done;
  const changes = audit.filter(({ type }) => type === "SessionStateChange");
  const broken: string[] = [];
  if (next.id !== session.id || next.handle !== session.handle) broken.push(`I2: ${where}: the identity changed`);
  if (next.version !== session.version + changes.length)
    broken.push(`I4: ${where}: version ${session.version} became ${next.version}`);
  if ((changes.at(-1)?.to ?? session.state) !== next.state) broken.push(`I4: ${where}: the state changed without an event`);
  if (!context.authority && next.state === "ATTACHED") broken.push(`I12: ${where}: ATTACHED without authority`);
  if (session.state === "TERMINATED" && next !== session) broken.push(`I7: ${where}: TERMINATED does not absorb`);
  const checker = new Checker({
    switchesPerMin: 9,
    recoveriesPerMin: 9,
    reserves: false,
    windowMs: 60_000,
    transportLostTtlMs: 9e9,
    degradedMaxMs: 9e9,
  });
  checker.begin(session.id, session.state, session.version);
  const events = changes.map(({ paths, ...change }) => ({
    type: "Event" as const,
    event: {
      ...change,
      session: session.id,
      bootMs: NOW,
      actor: "core" as const,
      transport: { old: null, new: String(paths?.new ?? "") },
    },
  }));
  checker.watch(events, NOW + 1, () => event.type === "AttachValidated" || event.type === "HandshakeConfirmed");
  return [...broken, ...checker.broken.filter((law) => !law.startsWith("I1: ended before")).map((law) => `${law} (${where})`)];
}

/** One session in each state, created by the reducer if possible. */
function statesOf(role: Role): readonly Session[] {
  const alone: Context = { limits: LIMITS, authority: true, candidate: null, verdict: ALLOWED };
  const born = birth("s-1", 1, role, NOW);
  const proof = mintHandshakeProof({ type: "AttachValidated", session: 1, path: 1, bindSeq: 1 }, NOW);
  if ("stale" in proof) return [];
  const attached = step(born, { type: "HandshakeConfirmed", proof, refusal: null }, alone, NOW).next;
  const lossy: SessionEvent = { type: "ThresholdExceeded", path: 1, reason: "loss_threshold_exceeded", numbers: {} };
  const volatile = step(attached, lossy, alone, NOW).next;
  const dead: SessionEvent = { type: "TransportDead", path: 1, numbers: {} };
  const degraded = step(attached, dead, alone, NOW).next;
  const waiting = step(attached, dead, { ...alone, candidate: 2, verdict: DENIED }, NOW).next;
  const attempt = { target: 2, attempt: 2, bindSeq: 2, timeoutMs: 1_000, cause: "transport_dead" } as const;
  const recovering: Session[] = [volatile, degraded].flatMap((from) =>
    from.state === "VOLATILE" || from.state === "DEGRADED" ? [{ ...from, state: "RECOVERING", ...attempt } as const] : [],
  );
  const ended = step(attached, { type: "PeerClose", reason: "peer_closed", numbers: {} }, alone, NOW).next;
  return [born, attached, volatile, degraded, waiting, ...recovering, ended];
}

function eventsFor(session: Session): readonly Occurrence[] {
  const numbers = {};
  const handshake = mintHandshakeProof({ type: "AttachValidated", session: 1, path: 1, bindSeq: 1 }, NOW);
  const verdicts = [ALLOWED, DENIED];
  const attaches = [1, 2].flatMap((path) =>
    [session.bindSeq, session.bindSeq + 1].flatMap((bindSeq) =>
      verdicts.map((verdict) => attach(session, path, bindSeq, verdict)),
    ),
  );
  const paths = [1, 2, 3];
  return [
    ...("stale" in handshake
      ? []
      : [null, "policy_invalid" as const].map((refusal) => ({ type: "HandshakeConfirmed" as const, proof: handshake, refusal }))),
    ...attaches,
    ...paths.map((path) => ({ type: "TransportDead" as const, path, numbers })),
    ...paths.map((path) => ({ type: "ThresholdExceeded" as const, path, reason: "loss_threshold_exceeded" as const, numbers })),
    ...paths.flatMap((path) => verdicts.map((verdict) => ({ type: "StabilityRestored" as const, path, verdict }))),
    ...verdicts.map((verdict) => ({ type: "SwitchRequested" as const, target: 2, reason: "switch_requested" as const, verdict })),
    ...[session.bindSeq, session.bindSeq + 5].map((bindSeq) => ({
      type: "PeerDenied" as const,
      bindSeq,
      reason: "policy_denied" as const,
      retryAfterMs: 500,
    })),
    ...[session.bindSeq, session.bindSeq + 5].map((bindSeq) => ({
      type: "TargetFailed" as const,
      path: 2,
      bindSeq,
      reason: "target_unanswered" as const,
    })),
    ...[true, false].flatMap((attributable) =>
      [true, false].map((exhausted) => ({ type: "ValidationFailed" as const, attributable, exhausted, numbers })),
    ),
    { type: "CandidateAvailable", reason: "candidate_available" },
    { type: "AuthorityLost" },
    { type: "AuthorityRegained" },
    { type: "OperatorTerminate", reason: "operator_terminated", numbers },
    { type: "PeerClose", reason: "peer_closed", numbers: {} },
    { type: "Superseded" },
    { type: "CloneDetected" },
    { type: "KeysLost", reason: "session_lost" },
    { type: "PolicyInvalid" },
    { type: "PolicyUpdated" },
    { type: "OwnershipMoved", epoch: 2 },
    { type: "Tick" },
    ...(
      [
        "LifetimeExceeded",
        "BirthTimedOut",
        "TransportLostTooLong",
        "DegradedTooLong",
        "AttemptTimedOut",
        "VolatilePersisted",
        "IntegrityBroken",
      ] as const
    ).map((type) => ({ type, numbers })),
  ];
}

function attach(
  session: Session,
  path: number,
  bindSeq: number,
  verdict: Verdict,
): Extract<SessionEvent, { type: "AttachValidated" }> {
  const minted =
    session.role === "gateway"
      ? mintAttachProof({ by: "gateway", boundSeq: session.bindSeq }, requested(path, bindSeq), NOW)
      : mintAttachProof(
          { by: "client", path: 2, bindSeq: session.bindSeq },
          { type: "AttachValidated", session: 1, path, bindSeq },
          NOW,
        );
  return { type: "AttachValidated", path, bindSeq, proof: "stale" in minted ? null : minted, verdict };
}

function requested(path: number, bindSeq: number): Extract<Report, { type: "AttachRequested" }> {
  const description = gatewayPath("198.51.100.1:50211");
  return { type: "AttachRequested", session: 1, path, description, bindSeq, kind: "switch", reason: "" };
}
