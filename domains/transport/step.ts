import type { PathStats, SilenceEvidence } from "#kernel/contract/engine.generated";
import { PATHS_MAX } from "#kernel/contract/engine.generated";
import type { Numbers } from "#kernel/contract/event";
import type { Reason } from "#kernel/contract/reason";
import type { PathId } from "#kernel/contract/state";
import type { Millis } from "#kernel/time";
import {
  type Excess,
  type Finding,
  NO_PROBES,
  type Path,
  type PathPolicy,
  pathOf,
  type Transport,
  type TransportEvent,
  type TransportStep,
} from "./model.ts";
import { penalized } from "./penalty.ts";
import { excessesOf, longestWindowMs, probed, sampled } from "./windows.ts";

type Dead = Extract<Path["health"], { is: "dead" }>;

/** `heardMsAgo` of a path on which nothing has arrived. */
const NEVER_HEARD = 0xffff_ffff;

/** The reason of a death by silence, by its evidence. */
const SILENCE: Readonly<Record<SilenceEvidence, Reason>> = {
  standby_answered: "silent",
  timeout: "silent_timeout",
  peer_deaf: "peer_deaf",
};

/**
 * Judges one event. Total and pure. An event about an unknown path, or without new information, changes nothing. It
 * never binds, switches or closes; others decide by its findings. `active` = the active path, on which only the session
 * decides; `null` = none.
 */
export function step(t: Transport, active: PathId | null, event: TransportEvent, policy: PathPolicy, now: Millis): TransportStep {
  const judged = judge(t, active, event, policy, now);
  const settled = settle(judged.next, policy, now);
  const watched = watchActive(settled.next, active, policy, now);
  return { next: watched.next, findings: joined(judged.findings, joined(settled.findings, watched.findings)) };
}

/** Joins lists without a new one if either is empty, as for most events. */
function joined(first: readonly Finding[], second: readonly Finding[]): readonly Finding[] {
  if (first.length === 0) return second;
  return second.length === 0 ? first : [...first, ...second];
}

function judge(t: Transport, active: PathId | null, event: TransportEvent, policy: PathPolicy, now: Millis): TransportStep {
  if (event.type === "Added") return add(t, event);
  if (event.type === "Measured") return quiet(measure(t, event.stats, policy, now));
  const path = pathOf(t, event.path);
  if (path === undefined) return quiet(t);
  const end = (reason: Reason, numbers: Numbers) => die(t, path, path.id === active, reason, numbers, policy, now);
  switch (event.type) {
    case "Bound":
      return quiet(bind(t, path, event.left, now));
    case "Validated":
    case "Alive":
      return answered(t, path, event.type, event.rttUs);
    case "Unanswered":
      return unanswered(t, path, path.id === active, policy, now);
    case "Silent": {
      const numbers = { silentMs: event.silentUs / 1_000, limitMs: event.limitUs / 1_000, evidence: event.evidence };
      return end(SILENCE[event.evidence], numbers);
    }
    case "Sized":
      return quiet(put(t, { ...path, mtu: event.mtu }));
    case "Suspected":
    case "Cleared":
      if (path.health.is !== "alive") return quiet(t);
      return quiet(put(t, { ...path, health: { ...path.health, suspected: event.type === "Suspected" } }));
    case "LinkLost":
      return loseLink(t, path, end(event.reason, { ifname: path.ifname }), event.reason);
    case "LinkBack":
      return regainLink(t, path);
    case "SendError":
      return end("local_send_error", { errno: event.errno });
    case "Closed":
      return path.health.is === "dead" ? forgetAnswer(t, path, path.health) : end("path_closed", {});
    case "Removed": {
      const { next, findings } = end("path_closed", {});
      return {
        next: withPaths(
          next,
          next.paths.filter(({ id }) => id !== path.id),
        ),
        findings,
      };
    }
  }
}

function add(t: Transport, event: Extract<TransportEvent, { type: "Added" }>): TransportStep {
  const { label, ifname, remote, priority, metered } = event;
  const local = event.local ?? null;
  const known = pathOf(t, event.path);
  if (known !== undefined) return quiet(put(t, { ...known, label, ifname, local, remote, priority, metered }));
  if (t.paths.length >= PATHS_MAX) {
    return { next: t, findings: [{ type: "Refused", path: event.path, reason: "resource_exhausted" }] };
  }
  const path: Path = {
    id: event.path,
    label,
    ifname,
    local,
    remote,
    priority,
    metered,
    health: { is: "cold", reason: null },
    stableSince: null,
    unboundAt: null,
    rttUs: null,
    rttMinUs: null,
    rttVarUs: null,
    jitterUs: null,
    mtu: null,
    heardAt: null,
    rxBytes: 0,
    txBytes: 0,
    samples: [],
    probes: NO_PROBES,
  };
  return quiet(withPaths(t, [...t.paths, path]));
}

/** Clears the excesses, also if the path stays the same: an excess after a revalidation is reported as new. */
function bind(t: Transport, path: Path, leftId: PathId | null, now: Millis): Transport {
  const left = pathOf(t, leftId);
  const released = left === undefined || left.id === path.id ? t : put(t, { ...left, unboundAt: now });
  return { ...released, excesses: [] };
}

/** A validation or an answer to a probe. Only a validation makes a cold path alive. */
function answered(t: Transport, path: Path, by: "Validated" | "Alive", rttUs: number): TransportStep {
  const measured = rttUs > 0 && rttUs !== path.rttUs ? { ...path, rttUs } : path;
  switch (path.health.is) {
    case "cold":
      return quiet(by === "Validated" ? put(t, revived(measured)) : t);
    case "alive":
      if (!path.health.suspected && path.health.unansweredSince === null) return quiet(put(t, measured));
      return quiet(put(t, { ...measured, health: ALIVE }));
    case "dead":
      if (path.health.linkLost) return quiet(put(t, { ...measured, health: { ...path.health, answeredSince: true } }));
      return { next: put(t, revived(measured)), findings: [{ type: "Returned", path: path.id }] };
  }
}

const ALIVE = { is: "alive", suspected: false, unansweredSince: null } as const;

/** Clears the windows, so that losses during a blackout do not count against the returned path. */
function revived(path: Path): Path {
  return { ...path, health: ALIVE, samples: [], probes: NO_PROBES };
}

function unanswered(t: Transport, path: Path, isActive: boolean, policy: PathPolicy, now: Millis): TransportStep {
  if (path.health.is === "alive" && isActive) return die(t, path, isActive, "path_unanswered", {}, policy, now);
  if (path.health.is === "dead") return quiet(t);
  const wasStable = path.stableSince !== null;
  const cold = put(t, { ...path, health: { is: "cold", reason: "path_unanswered" }, stableSince: null });
  return { next: cold, findings: wasStable ? [{ type: "Unstable", path: path.id }] : [] };
}

/** The first reason stays: only a path that is alive can die. A path that the peer closed gets no penalty. */
function die(
  t: Transport,
  path: Path,
  wasActive: boolean,
  reason: Reason,
  numbers: Numbers,
  policy: PathPolicy,
  now: Millis,
): TransportStep {
  if (path.health.is !== "alive") return quiet(t);
  const dead: Path = {
    ...path,
    health: { is: "dead", reason, linkLost: false, answeredSince: false },
    stableSince: null,
    samples: [],
    probes: NO_PROBES,
  };
  const penalties = reason === "path_closed" ? t.penalties : penalized(t.penalties, path, policy, now);
  const excesses = wasActive ? [] : t.excesses;
  return {
    next: { ...put(t, dead), penalties, excesses },
    findings: [{ type: "Dead", path: path.id, reason, numbers, wasActive }],
  };
}

/** An answer from before the peer closed the path must not bring it back together with its link. */
function forgetAnswer(t: Transport, path: Path, health: Dead): TransportStep {
  return quiet(put(t, { ...path, health: { ...health, answeredSince: false } }));
}

/** `died` = the result of the death of a path that is alive. */
function loseLink(t: Transport, path: Path, died: TransportStep, reason: Reason): TransportStep {
  if (path.health.is === "cold") return quiet(put(t, { ...path, health: { is: "cold", reason } }));
  const known = pathOf(died.next, path.id) ?? path;
  return {
    next: put(died.next, { ...known, health: { is: "dead", reason, linkLost: true, answeredSince: false } }),
    findings: died.findings,
  };
}

function regainLink(t: Transport, path: Path): TransportStep {
  if (path.health.is !== "dead" || !path.health.linkLost) return quiet(t);
  if (path.health.answeredSince) return { next: put(t, revived(path)), findings: [{ type: "Returned", path: path.id }] };
  return quiet(put(t, { ...path, health: { ...path.health, linkLost: false } }));
}

/** Judges paths that are alive by their statistics. A dead path's counters only show the blackout. */
function measure(t: Transport, stats: readonly PathStats[], policy: PathPolicy, now: Millis): Transport {
  const paths = t.paths.map((path): Path => {
    const own = stats.find((candidate) => candidate.path === path.id);
    if (own === undefined) return path;
    const { rxBytes, txBytes } = own;
    const heardAt = own.heardMsAgo === NEVER_HEARD ? path.heardAt : now - own.heardMsAgo;
    if (path.health.is !== "alive") return { ...path, heardAt, rxBytes, txBytes };
    const { srttUs: rttUs, rttvarUs: rttVarUs, minRttUs: rttMinUs, jitterUs } = own;
    const measured = rttUs > 0 ? { rttUs, rttVarUs, rttMinUs: rttMinUs > 0 ? rttMinUs : rttUs, jitterUs } : {};
    const silent = !own.answering && own.probesSent > 0;
    return {
      ...path,
      ...measured,
      heardAt,
      rxBytes,
      txBytes,
      health: { ...path.health, unansweredSince: silent ? (path.health.unansweredSince ?? now) : null },
      samples: sampled(path.samples, own, policy, now),
      probes: probed(path.probes, own),
    };
  });
  return withPaths(t, paths);
}

/**
 * *Stable candidate*: validated, the last probe answered and none overdue, not suspected, and below every threshold
 * that is measured. A path of priority `never` is not one.
 */
function isStable(path: Path, policy: PathPolicy, now: Millis): boolean {
  const { health } = path;
  if (health.is !== "alive" || health.suspected || health.unansweredSince !== null) return false;
  return path.priority !== "never" && excessesOf(path, policy, now).length === 0;
}

function settle(t: Transport, policy: PathPolicy, now: Millis): TransportStep {
  if (!t.paths.some((path) => isStable(path, policy, now) !== (path.stableSince !== null))) return quiet(t);
  const findings: Finding[] = [];
  const paths = t.paths.map((path): Path => {
    const stable = isStable(path, policy, now);
    if (stable === (path.stableSince !== null)) return path;
    findings.push({ type: stable ? "Stable" : "Unstable", path: path.id });
    return { ...path, stableSince: stable ? now : null };
  });
  return { next: withPaths(t, paths), findings };
}

/** Checks the active path against the thresholds: reports an excess, one reminder per window, and the recovery. */
function watchActive(t: Transport, active: PathId | null, policy: PathPolicy, now: Millis): TransportStep {
  const path = pathOf(t, active);
  if (path === undefined) return quiet(t.excesses.length === 0 ? t : { ...t, excesses: [] });
  if (t.excesses.length > 0 && path.stableSince !== null && now - path.stableSince >= longestWindowMs(policy)) {
    return { next: { ...t, excesses: [] }, findings: [{ type: "Restored", path: path.id }] };
  }
  const findings: Finding[] = [];
  let excesses: readonly Excess[] = t.excesses;
  for (const { reason, measured, threshold, windowMs } of excessesOf(path, policy, now)) {
    const reported = excesses.find((excess) => excess.reason === reason);
    if (reported !== undefined && now - reported.reportedAt < windowMs) continue;
    findings.push({ type: "Exceeded", path: path.id, reason, measured, threshold });
    excesses = [...excesses.filter((excess) => excess.reason !== reason), { reason, reportedAt: now }];
  }
  return findings.length === 0 ? quiet(t) : { next: { ...t, excesses }, findings };
}

function put(t: Transport, path: Path): Transport {
  if (pathOf(t, path.id) === path) return t;
  const paths = t.paths.map((candidate) => (candidate.id === path.id ? path : candidate));
  return withPaths(t, paths);
}

function withPaths({ penalties, excesses }: Transport, paths: readonly Path[]): Transport {
  return { paths, penalties, excesses };
}

const NOTHING: readonly Finding[] = [];

function quiet(next: Transport): TransportStep {
  return { next, findings: NOTHING };
}
