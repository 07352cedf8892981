import { isAbsolute } from "node:path";
import { z } from "zod";
import { parseEndpoint, parsePrefix } from "#daemon/net/address";
import { REJECT_AFTER_S, REKEY_AFTER_PACKETS, REKEY_AFTER_S } from "#kernel/contract/engine.generated";
import { parseAddress } from "#kernel/ip";

/** The port of an address without one. */
export const DEFAULT_PORT = 4774;
/** SO_MARK of the outer sockets ("JV"): keeps outer packets out of a tunnel that carries all traffic. */
export const DEFAULT_MARK = 0x4a56;
/** Outer 1500 − IPv6 40 − UDP 8 − message header 16 − tag 16. */
export const DEFAULT_MTU = 1420;

const text = (max: number) => z.string().min(1, "must not be empty").max(max, `must have at most ${max} characters`);

export const nodeName = text(64).regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, "must consist of letters, digits, '.', '_' and '-'");

/** 43 characters of base64url hold 258 bits: the last character has two bits that must be zero. */
const PUBLIC_KEY = /^jvpk1:[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

export const publicKey = z
  .string()
  .refine((value) => !value.startsWith("jvps1:"), "must be a public key (jvpk1:…); this is a private key, which must stay secret")
  .refine(
    (value) => value.startsWith("jvps1:") || PUBLIC_KEY.test(value),
    "must be a public key as `jvpn pubkey` prints it: jvpk1: and 43 characters",
  );

export const filePath = text(4096);

const absolutePath = filePath.refine(isAbsolute, "must be an absolute path");

/** Interface names of Linux: at most 15 bytes, no slash, no white space. */
export const interfaceName = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{1,15}$/, "must be an interface name of at most 15 characters")
  .refine((name) => !["lo", "all", "default", ".", ".."].includes(name), "must not be a name that the kernel uses itself");

export const interfaceGlob = z
  .string()
  .regex(/^[A-Za-z0-9_.*?-]{1,15}$/, "must be an interface name of at most 15 characters, with * and ? as wildcards");

export const prefix = z
  .string()
  .refine((value) => parsePrefix(value) !== undefined, "must be a network such as 10.80.0.0/16 or fd80::/64, without host bits");

export const ipAddress = z.string().refine((value) => parseAddress(value) !== undefined, "must be an IPv4 or IPv6 address");

/** A listening address: an IP address, not a name. */
export const listenEndpoint = z.string().refine((value) => {
  const endpoint = parseEndpoint(value, DEFAULT_PORT);
  return endpoint !== undefined && parseAddress(endpoint.host) !== undefined;
}, "must be an address and port such as 0.0.0.0:4774 or [::]:4774");

export const remoteEndpoint = z.string().refine((value) => {
  const endpoint = parseEndpoint(value, DEFAULT_PORT);
  return (
    endpoint !== undefined &&
    (parseAddress(endpoint.host) !== undefined || /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(endpoint.host))
  );
}, "must be a name or address with a port, such as fra-2.example:4774 or [2001:db8::7]:4774");

export const mtu = z.union([z.literal("auto"), z.int().min(1280, "must be at least 1280").max(9000, "must be at most 9000")], {
  error: 'must be "auto" or a number of 1280 … 9000',
});

export const oneOrMore = <T extends z.ZodType>(item: T, max: number) =>
  z.union([
    item.transform((value) => [value]),
    z.array(item).min(1, "must not be empty").max(max, `must have at most ${max} entries`),
  ]);

/** `[daemon]`: paths and names of this process. Command-line flags override it. */
export const daemonTable = z.strictObject({
  socket: absolutePath.optional(),
  state: absolutePath.optional(),
  events: absolutePath.optional(),
  policy: filePath.optional(),
  node: nodeName.optional(),
  log: z.enum(["trace", "debug", "info", "warn", "error"]).optional(),
});

/** Settings of the engine that only tests and measurements change. */
export const engineTable = z.strictObject({
  disable: z
    .array(z.enum(["tun_offload", "udp_gso", "udp_gro", "aes_gcm", "redundant"]))
    .max(4)
    .default([]),
  rekey_after_s: z.int().min(1).max(3600).default(REKEY_AFTER_S),
  reject_after_s: z.int().min(2).max(7200).default(REJECT_AFTER_S),
  rekey_after_packets: z
    .int()
    .min(1024, "must be at least 1024")
    .max(REKEY_AFTER_PACKETS, `must be at most ${REKEY_AFTER_PACKETS}`)
    .optional(),
});
