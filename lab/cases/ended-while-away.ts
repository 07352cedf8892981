/**
 *  time ─►  session A │ both links down │ +3 s: the operator      │ +10 s: links up: the client ends A with the
 *                     │                 │ ends A at the gateway   │ gateway's reason, and dials session B
 *
 *           session B │ both links down │ +3 s: the client is     │ +10 s: links up: the client ends B, and is
 *                     │                 │ removed at the gateway  │ refused with the reason
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EventRecord } from "#sdk/index";
import { elapse, type Stage, until } from "../stage.ts";
import { type Case, Ledger } from "./case.ts";

const RTT_MS = 80;
/** From the first answer, which lets the client ask, to the end: one round trip for the question, and some room. */
const END_MS_MAX = 3 * RTT_MS;

export const ENDED_WHILE_AWAY: Case = {
  id: "ended-while-away",
  title: "the session ends while its client is away: an explicit end for the gateway's reason",
  setting: {
    uplinks: ["eth0", "wlan0"],
    rttMs: RTT_MS,
    policy: `schema = "jumping-vpn/policy/v1"\nname = "lab"\npreset = "vehicle"\n`,
    transferBytes: 5_000_000,
    transferMbit: 40,
    flowSeconds: 120,
  },
  async play(stage) {
    const ledger = new Ledger();
    await stage.startTraffic();
    const { match } = await stage.transfer.finish(30_000);
    const bytes = ledger.must(match, "the transfer before the end differs");

    const first = await away(stage, stage.sessionId, () => stage.gateway.sdk.terminate(stage.sessionId, "lab: stolen"));
    const next = await stage.nextSession(10_000);
    const second = await away(stage, next.id, async () => {
      removeClient(stage);
      stage.gateway.reload();
      await until("the gateway has ended the session", 3_000, async () => endOf(stage.gateway.events(), next.id));
    });
    const refused = await until("the new dial is refused", 5_000, async () => {
      const { dial } = (await stage.client.sdk.status()).view;
      return dial?.lastReason === "client_removed" ? true : undefined;
    });

    const { clear } = await stage.captured();
    const identity = [
      ledger.must(next.predecessor === stage.sessionId, `the new session's predecessor is ${next.predecessor}`),
      ledger.must(clear === 0, `${clear} unencrypted packets left an uplink`),
    ].every(Boolean);
    const story = [
      ledger.must(first.reason === "operator_terminated", `the first end's reason is ${first.reason}`),
      ledger.must(second.reason === "client_removed", `the second end's reason is ${second.reason}`),
      ledger.must(first.actor === "peer" && second.actor === "peer", `the ends were by ${first.actor} and ${second.actor}`),
      ledger.must(refused, "the removed client is not told so"),
      ledger.told(stage.chainBroken(), "chain of versions"),
    ].every(Boolean);
    const timeMs = Math.max(first.afterMs, second.afterMs);
    ledger.must(timeMs <= END_MS_MAX, `${timeMs} ms from the first answer to the end, and ${END_MS_MAX} are allowed`);
    return { bytes, timeMs, identity, story, problems: ledger.problems };
  },
};

interface End {
  readonly reason: string | undefined;
  readonly actor: string;
  /** From the first answer of the gateway, which starts the dial, to the end. */
  readonly afterMs: number;
}

/** Takes both links away for 10 s, and after 3 s calls `meanwhile`. Returns how the session ended at the client. */
async function away(stage: Stage, session: string, meanwhile: () => Promise<unknown>): Promise<End> {
  const { uplinks } = stage.topology;
  const mark = stage.mark();
  await Promise.all(uplinks.map((uplink) => uplink.unplug()));
  await elapse(3_000);
  await meanwhile();
  await elapse(7_000);
  await Promise.all(uplinks.map((uplink) => uplink.plug()));
  const ended = await until("the client has ended the session", 5_000, async () => endOf(stage.eventsSince(mark), session));
  const asked = stage.eventsSince(mark).find(({ type, seq }) => type === "DialStarted" && seq < ended.seq);
  const afterMs = asked === undefined ? Number.POSITIVE_INFINITY : ended.boot_ms - asked.boot_ms;
  return { reason: ended.reason, actor: ended.actor, afterMs: Math.round(afterMs) };
}

function endOf(events: readonly EventRecord[], session: string): EventRecord | undefined {
  return events.find((event) => event.type === "SessionTerminated" && event.session === session);
}

function removeClient(stage: Stage): void {
  const file = join(stage.plan.folder, "gateway", "gateway.toml");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replace(/\[\[client\]\][\s\S]*?(?=\n\[tunnel\])/, ""));
}
