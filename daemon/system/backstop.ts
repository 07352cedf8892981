import { formatPrefix, type Prefix } from "#daemon/net/address";
import type { Lasting, Undo } from "#daemon/system/change";

/** Routing table and rule priorities for a tunnel that carries all traffic. */
const TABLE = "4774";
const RULE_SPECIFIC = "14773";
const RULE_TUNNEL = "14774";
/** The kernel takes a route with the highest metric only if there is no other to the same network. */
const LAST_METRIC = "4294967295";

/**
 * The backstop: what was in the tunnel never leaves beside it. Under each route into the tunnel lies one of last resort
 * that refuses the traffic. The tunnel's own routes end with its device, however the process ends; the backstop stays
 * until an operator releases it.
 *
 * A route of length 0 goes into a table of its own, used with `not fwmark`, so that the marked outer packets still use
 * the machine's own routes:
 *
 *     14773  lookup main, suppress_prefixlength 0     the machine's own networks, but not its default route
 *     14774  not fwmark MARK lookup 4774              everything else → tunnel, or unreachable
 *     32766  lookup main                              the outer packets
 */
export function backstopOf(routes: readonly Prefix[], mark: number): Lasting[] {
  return routes.flatMap((route) => {
    const { family } = route;
    const last = ["unreachable", ...destinationOf(route), "metric", LAST_METRIC];
    const closed = { kind: "ip", family, args: ["route", "add", ...last], undo: ["route", "del", ...last] } as const;
    return route.length === 0 ? [closed, ...rules(mark).map((rule) => ruleOf(rule, family))] : [closed];
  });
}

/** The words of `ip route` for the destination of a route into the tunnel. */
export function destinationOf(route: Prefix): readonly string[] {
  return route.length === 0 ? ["default", "table", TABLE] : [formatPrefix(route)];
}

/** The network that this part of a backstop closes; `null` for its rules. */
export function closedBy(undo: Undo): string | null {
  if (undo.kind !== "ip" || undo.args[0] !== "route" || undo.args[2] !== "unreachable") return null;
  const network = undo.args[3] ?? "";
  if (network !== "default") return network;
  return undo.family === 4 ? "0.0.0.0/0" : "::/0";
}

function rules(mark: number): readonly (readonly string[])[] {
  return [
    ["pref", RULE_SPECIFIC, "lookup", "main", "suppress_prefixlength", "0"],
    ["pref", RULE_TUNNEL, "not", "fwmark", `0x${mark.toString(16)}`, "lookup", TABLE],
  ];
}

function ruleOf(rule: readonly string[], family: Prefix["family"]): Lasting {
  return { kind: "ip", family, args: ["rule", "add", ...rule], undo: ["rule", "del", ...rule] };
}
