import { loadSettings, requireSettings } from "#daemon/config/load";
import { machineFaults } from "#daemon/config/ready";
import { claimSocket } from "#daemon/control/socket";
import { Daemon } from "#daemon/daemon";
import { causeText, faultText, StartFailure } from "#daemon/fault";
import { createLog, type Log } from "#daemon/log/log";
import { configFile, type Flags, placesOf, stateOf } from "#daemon/options";
import { bootMs, startEngine } from "#daemon/ports/engine";
import { openStore } from "#daemon/store/database";
import { SystemChanges } from "#daemon/system/changes";
import { type Claim, claimState } from "#daemon/system/claim";
import { machine } from "#daemon/system/machine";
import { announceReady } from "#daemon/system/service";
import { hasJournal, UndoJournal } from "#daemon/system/undo-journal";
import { EXIT, type ExitCode } from "#kernel/contract/exit-code";
import type { Role } from "#kernel/contract/state";

/**
 * Runs a gateway or client until a signal or an operator ends it. The order of the claims matters: a second daemon must
 * notice the first one before it changes anything that belongs to the first.
 */
export async function run(role: Role, flags: Flags, version: string): Promise<void> {
  const file = configFile(role, flags);
  const settings = requireSettings(role, file);
  const faults = machineFaults(settings);
  if (faults.length > 0) throw new StartFailure(faults, EXIT.configuration);
  const places = placesOf(file, settings, flags);
  const log = createLog(flags.logLevel ?? settings.daemon.log ?? "info");
  await claimSocket(places.socket);
  const claim = claimState(places.state);
  const changes = new SystemChanges(machine, openJournal(places.state, claim));
  let stopAnnouncing = () => {};
  const ended = (exit: ExitCode): never => {
    stopAnnouncing();
    claim.release();
    process.exit(exit); // otherwise the engine's callback keeps the process alive
  };
  try {
    for (const complaint of await changes.undoAll()) log.warn(`an earlier process's change cannot be undone: ${complaint}`);
    const { closed } = changes;
    if (closed.length > 0) log.warn({ closed }, "traffic of the tunnel is held back until it is up again, or until `jvpn down`");
    const store = openStore(places.state);
    const daemon = new Daemon({
      version,
      configFile: file,
      settings,
      places,
      log,
      store,
      machine,
      changes,
      startEngine,
      bootMs,
      ended,
    });
    obeySignals(daemon, log);
    await daemon.start();
    stopAnnouncing = announceReady();
  } catch (cause) {
    if (!(cause instanceof StartFailure)) {
      claim.release();
      throw cause;
    }
    for (const fault of cause.faults) process.stderr.write(faultText(fault));
    ended(cause.exit);
  }
}

/**
 * Undoes what daemons that have ended left on the machine, with the backstop. Returns the networks that were closed.
 * Throws a `StartFailure` if a daemon runs, or if something cannot be undone.
 */
export async function undo(role: Role, flags: Flags): Promise<readonly string[]> {
  // An invalid configuration must not keep the traffic back.
  const loaded = loadSettings(role, configFile(role, flags));
  const state = stateOf(loaded.ok ? loaded.value : null, flags);
  if (!hasJournal(state)) return [];
  const claim = claimState(state);
  try {
    const changes = new SystemChanges(machine, new UndoJournal(state));
    const { closed } = changes;
    const complaints = [...(await changes.undoAll()), ...(await changes.release())];
    if (complaints.length === 0) return closed;
    const hint = "look at `ip route` and `ip rule`, and remove it by hand";
    const faults = complaints.map((why) => ({ what: "a change to the machine cannot be undone", why, hint }));
    throw new StartFailure(faults, EXIT.failed);
  } finally {
    claim.release();
  }
}

/** Refuses to start with a journal that other users could have written, because a person must look at it. */
function openJournal(state: string, claim: Claim): UndoJournal {
  try {
    return new UndoJournal(state);
  } catch (cause) {
    claim.release();
    const hint = "check its content and its owner, then remove it";
    throw new StartFailure([{ what: "the undo journal is refused", why: causeText(cause), hint }], EXIT.failed, { cause });
  }
}

/** Signals within this time are one request: service managers and terminals may send several at once. */
const ONE_REQUEST_MS = 1_000;

function obeySignals(daemon: Daemon, log: Log): void {
  let askedAt: number | null = null;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (askedAt !== null && performance.now() - askedAt < ONE_REQUEST_MS) return;
      if (askedAt !== null) process.exit(EXIT.failed); // at once; the next start undoes the daemon's changes
      askedAt = performance.now();
      log.info({ signal }, "stopping");
      // A service manager also stops a daemon in order to start it again; Ctrl-C comes from a person.
      void daemon.end(EXIT.ok, { release: signal === "SIGINT" });
    });
  }
  process.on("SIGHUP", () => void daemon.reload());
}
