/** Exit codes of `jvpn` and `jvpnd`; they are part of the interface. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  timeout: 3,
  configuration: 4,
  security: 5,
  notFound: 6,
  denied: 7,
  notRunning: 8,
  notAuthoritative: 9,
  notAttached: 10,
  terminated: 11,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
