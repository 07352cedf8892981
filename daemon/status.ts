import type { StatusDocument, VersionDocument } from "#kernel/contract/control";
import type { Report } from "#kernel/contract/engine.generated";
import { HEALTH_LEVELS, type HealthLevel } from "#kernel/contract/health";

/** The parts of a status document. */
interface Parts extends Pick<StatusDocument, "tunnel" | "config" | "record" | "reports" | "view"> {
  readonly version: VersionDocument;
  /** `null` until the engine has started. */
  readonly started: Extract<Report, { type: "Started" }> | null;
  readonly recordHealth: HealthLevel;
}

/** Recording can also fail outside of the core, so the worse of both health levels is shown. */
export function statusDocument({ version, started, recordHealth, view, ...rest }: Parts): StatusDocument {
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
    view: { ...view, health: { ...view.health, observability: worse(view.health.observability, recordHealth) } },
  };
}

function worse(a: HealthLevel, b: HealthLevel): HealthLevel {
  return HEALTH_LEVELS.indexOf(a) >= HEALTH_LEVELS.indexOf(b) ? a : b;
}
