/** What a person notices when a value rises or falls. */
interface Effect {
  readonly rises: string;
  readonly falls: string;
}

const both = (text: string): Effect => ({ rises: text, falls: text });

/**
 * The effect of changing a key, in words, by its name in a policy file. Values that travel in the offer bind the client of a
 * running session from its next session on; the gateway keeps to the new ones at once.
 */
export const EFFECTS: Readonly<Record<string, Effect>> = {
  "session.max_lifetime": {
    rises: "sessions may grow older before they end",
    falls: "sessions end earlier; those that are older already end at once",
  },
  "session.transport_lost_ttl": {
    rises: "sessions outlive longer outages",
    falls: "sessions without a transport end earlier; those that are without one for longer already end at once",
  },
  "session.degraded_max": {
    rises: "sessions may stay degraded for longer",
    falls: "degraded sessions end earlier; those that are degraded for longer already end at once",
  },
  "session.birth_ttl": {
    rises: "handshakes get more time to be confirmed",
    falls: "handshakes get less time to be confirmed",
  },
  "session.attempt_timeout": {
    rises: "an attempt waits longer for its answer",
    falls: "an attempt that gets no answer is given up earlier",
  },
  "session.volatile_max": {
    rises: "instability lasts longer before a session counts as degraded",
    falls: "an unstable session counts as degraded earlier",
  },
  "volatile.loss.threshold": {
    rises: "more loss is put up with before a session moves",
    falls: "sessions move away from loss earlier",
  },
  "volatile.loss.window": { rises: "loss is judged more slowly and steadily", falls: "loss is judged faster, on fewer packets" },
  "volatile.latency.threshold": {
    rises: "slower transports are put up with before a session moves",
    falls: "sessions move away from slow transports earlier",
  },
  "volatile.latency.window": {
    rises: "latency is judged more slowly and steadily",
    falls: "latency is judged faster, on fewer samples",
  },
  "volatile.jitter.threshold": {
    rises: "more jitter is put up with before a session moves",
    falls: "sessions move away from jitter earlier",
  },
  "volatile.jitter.window": {
    rises: "jitter is judged more slowly and steadily",
    falls: "jitter is judged faster, on fewer samples",
  },
  "volatile.liveness": {
    rises: "a death is noticed later, with fewer probes",
    falls: "a death is noticed earlier, with more probes while traffic flows",
  },
  "switch.max_per_min": { rises: "sessions may switch more often", falls: "sessions may switch less often; more is denied" },
  "switch.cooldown": {
    rises: "elective switches lie further apart",
    falls: "elective switches may follow each other sooner",
  },
  "switch.emergency_cooldown": {
    rises: "after a switch, the answer to a death may have to wait longer",
    falls: "after a switch, a death is answered sooner",
  },
  "switch.recoveries_per_min": {
    rises: "more attempts to recover are made in a minute",
    falls: "fewer attempts to recover are made in a minute",
  },
  "switch.return_to_preferred_after": {
    rises: "sessions return to a preferred transport later",
    falls: "sessions return to a preferred transport sooner",
  },
  "switch.margin": {
    rises: "a transport must be faster by more before it is moved to",
    falls: "smaller gains are enough to move",
  },
  "switch.margin_ratio": {
    rises: "a transport must be faster by a larger share before it is moved to",
    falls: "a smaller share of gain is enough to move",
  },
  "switch.mode": both("how many transports carry the packets of a session, from its next session on"),
  "penalty.first": {
    rises: "a transport that died ranks lower for longer",
    falls: "a transport that died is forgiven sooner",
  },
  "penalty.max": {
    rises: "a transport that keeps dying ranks lower for longer",
    falls: "a transport that keeps dying is forgiven sooner",
  },
  "security.validation_fail_budget": {
    rises: "sessions survive more attributable failures",
    falls: "sessions end after fewer attributable failures",
  },
  "security.pq": both("which key exchanges are accepted in new handshakes"),
  keepalive: { rises: "an idle session sends less, and a NAT may forget it", falls: "an idle session sends more" },
  mtu: {
    rises: "new sessions carry larger inner packets, as far as `[tunnel] mtu` lets them",
    falls: "new sessions carry smaller inner packets",
  },
};
