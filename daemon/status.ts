import type { StatusDocument, TunnelView, VersionDocument } from "#kernel/contract/control";
import type { Report } from "#kernel/contract/engine.generated";
import { HEALTH_LEVELS, type HealthLevel } from "#kernel/contract/health";
import type { NodeView } from "#kernel/contract/view";

/** The parts of a status document. */
interface Parts extends Pick<StatusDocument, "tunnel" | "unresolved" | "refused" | "config" | "record" | "reports" | "view"> {
  readonly version: VersionDocument;
  /** `null` until the engine has started. */
  readonly started: Extract<Report, { type: "Started" }> | null;
  readonly recordHealth: HealthLevel;
}

/** Recording can also fail outside of the core, so the worse of both health levels is shown. */
export function statusDocument({ version, started, recordHealth, view, tunnel, ...rest }: Parts): StatusDocument {
  const { schema: _schema, ...node } = version;
  return {
    schema: "jumping-vpn/status/v1",
    ...node,
    uptimeMs: Math.round(process.uptime() * 1_000),
    publicKey: started?.publicKey ?? null,
    listen: started?.listen ?? [],
    capabilities: started?.capabilities ?? [],
    workers: started?.workers ?? null,
    ...rest,
    tunnel: version.role === "client" && !hasSession(view) ? withoutSession(tunnel) : tunnel,
    view: { ...view, health: { ...view.health, observability: worse(view.health.observability, recordHealth) } },
  };
}

function hasSession({ states: { TERMINATED: _, ...live } }: NodeView): boolean {
  return Object.values(live).some((count) => count > 0);
}

/** A tunnel that is set up without a session carries nothing, and lets nothing out. */
function withoutSession(tunnel: TunnelView): TunnelView {
  return { ...tunnel, closed: [...new Set([...tunnel.closed, ...tunnel.routes])] };
}

function worse(a: HealthLevel, b: HealthLevel): HealthLevel {
  return HEALTH_LEVELS.indexOf(a) >= HEALTH_LEVELS.indexOf(b) ? a : b;
}
