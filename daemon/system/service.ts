import { notifySystemd } from "#daemon/ports/engine";

/**
 * Reports to the service manager that the daemon is ready, and then regularly, while the event loop runs, that it is
 * alive. Returns a function that stops this.
 */
export function announceReady(): () => void {
  notifySystemd("READY=1");
  const microseconds = Number(process.env.WATCHDOG_USEC ?? 0);
  if (!(microseconds > 0)) return () => notifySystemd("STOPPING=1");
  const timer = setInterval(() => notifySystemd("WATCHDOG=1"), microseconds / 1_000 / 2);
  return () => {
    clearInterval(timer);
    notifySystemd("STOPPING=1");
  };
}
