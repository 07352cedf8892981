import { Resolver as Questions } from "node:dns/promises";
import { errnoOf } from "#daemon/fault";
import { lookUp } from "#daemon/ports/engine";
import type { Resolver } from "./gateway-names.ts";

const EXPLAIN_MS_MAX = 2_000;

/** What a resolver's failure means, by the code of Node's `dns`. */
const SAYS: Readonly<Record<string, string>> = {
  ENOTFOUND: "says that the name does not exist",
  ENODATA: "has no address for the name",
  ESERVFAIL: "answers SERVFAIL",
  EREFUSED: "refuses to answer",
  ETIMEOUT: "does not answer",
  ECONNREFUSED: "cannot be reached",
};

/**
 * Names are looked up as every program of this machine does. What its resolver answers is asked only in order to
 * explain a failure: the system's own words do not tell a resolver that is down from a name that is wrong.
 */
export function systemResolver(servers?: readonly string[]): Resolver {
  return { lookUp, explain: (host) => explain(host, servers) };
}

async function explain(host: string, servers: readonly string[] | undefined): Promise<string> {
  const questions = new Questions({ timeout: EXPLAIN_MS_MAX / 2, tries: 1 });
  if (servers !== undefined) questions.setServers(servers);
  const timer = setTimeout(() => questions.cancel(), EXPLAIN_MS_MAX);
  try {
    await questions.resolve4(host);
    return "";
  } catch (cause) {
    const says = SAYS[errnoOf(cause) ?? ""];
    return says === undefined ? "" : `resolver ${questions.getServers().join(", ")} ${says}`;
  } finally {
    clearTimeout(timer);
  }
}
