/** The effect of a higher or lower value, for people. */
interface Effect {
  readonly rises: string;
  readonly falls: string;
}

const both = (text: string): Effect => ({ rises: text, falls: text });

/** Keys whose values are in the offer of a handshake. */
export const OFFERED: ReadonlySet<string> = new Set([
  "session.max_lifetime",
  "session.transport_lost_ttl",
  "session.degraded_max",
  "keepalive",
  "volatile.liveness",
  "switch.max_per_min",
  "switch.cooldown",
  "switch.recoveries_per_min",
  "switch.mode",
  "mtu",
]);

/**
 * The effect of a changed key, by its name in a policy file. Values in the offer bind a client from its next session
 * on; the gateway applies the new ones at once.
 */
export const EFFECTS: Readonly<Record<string, Effect>> = {
  "session.max_lifetime": {
    rises: "sessions may grow older before they end",
    falls: "sessions end earlier; those that are already older end at once",
  },
  "session.transport_lost_ttl": {
    rises: "sessions outlive longer outages",
    falls: "sessions without a transport end earlier; those already without one for longer end at once",
  },
  "session.degraded_max": {
    rises: "sessions may stay degraded for longer",
    falls: "degraded sessions end earlier; those already degraded for longer end at once",
  },
  "session.birth_ttl": {
    rises: "handshakes get more time to be confirmed",
    falls: "handshakes get less time to be confirmed",
  },
  "session.attempt_timeout": {
    rises: "an attempt waits longer for its answer",
    falls: "an unanswered attempt fails earlier",
  },
  "session.volatile_max": {
    rises: "an unstable session becomes degraded later",
    falls: "an unstable session becomes degraded earlier",
  },
  "volatile.loss.threshold": {
    rises: "sessions tolerate more loss before they move",
    falls: "sessions move away from loss earlier",
  },
  "volatile.loss.window": { rises: "loss is judged later, on more packets", falls: "loss is judged earlier, on fewer packets" },
  "volatile.latency.threshold": {
    rises: "sessions tolerate slower transports before they move",
    falls: "sessions move away from slow transports earlier",
  },
  "volatile.latency.window": {
    rises: "latency is judged later, on more samples",
    falls: "latency is judged earlier, on fewer samples",
  },
  "volatile.jitter.threshold": {
    rises: "sessions tolerate more jitter before they move",
    falls: "sessions move away from jitter earlier",
  },
  "volatile.jitter.window": {
    rises: "jitter is judged later, on more samples",
    falls: "jitter is judged earlier, on fewer samples",
  },
  "volatile.liveness": {
    rises: "a dead transport is detected later, with fewer probes",
    falls: "a dead transport is detected earlier, with more probes while traffic flows",
  },
  "switch.max_per_min": {
    rises: "sessions may switch more often",
    falls: "sessions may switch less often; more switches are denied",
  },
  "switch.cooldown": {
    rises: "the time between elective switches is longer",
    falls: "the time between elective switches is shorter",
  },
  "switch.emergency_cooldown": {
    rises: "soon after a switch, a session may have to wait longer to leave a dead transport",
    falls: "soon after a switch, a session may leave a dead transport earlier",
  },
  "switch.recoveries_per_min": {
    rises: "sessions may make more attempts to recover in a minute",
    falls: "sessions may make fewer attempts to recover in a minute",
  },
  "switch.return_to_preferred_after": {
    rises: "sessions return to a preferred transport later",
    falls: "sessions return to a preferred transport sooner",
  },
  "switch.margin": {
    rises: "sessions move only to transports that are faster by more",
    falls: "sessions move for smaller gains",
  },
  "switch.margin_ratio": {
    rises: "sessions move only to transports that are faster by a larger share",
    falls: "sessions move for a smaller share of gain",
  },
  "switch.mode": both("how many transports carry the packets of a session, from its next session on"),
  "penalty.first": {
    rises: "a transport that died ranks lower for longer",
    falls: "a transport that died ranks lower for a shorter time",
  },
  "penalty.max": {
    rises: "a transport that keeps dying ranks lower for longer",
    falls: "a transport that keeps dying ranks lower for a shorter time",
  },
  "security.validation_fail_budget": {
    rises: "sessions survive more attributable failures",
    falls: "sessions end after fewer attributable failures",
  },
  "security.pq": both("which key exchanges are accepted in new handshakes"),
  keepalive: { rises: "an idle session sends less, and a NAT may forget it", falls: "an idle session sends more" },
  mtu: {
    rises: "new sessions carry larger inner packets, at most `[tunnel] mtu`",
    falls: "new sessions carry smaller inner packets",
  },
};
