/** OpenVPN in user space, AES-256-GCM, certificates checked by fingerprint. Clients may change address (`float`). */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Netns } from "../ip.ts";
import { until } from "../stage.ts";
import { type Contender, MTU } from "./contender.ts";
import { isInstalled, startProgram } from "./process.ts";

interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly fingerprint: string;
}

export const OPENVPN: Contender = {
  name: "openvpn",
  missing: () =>
    isInstalled("openvpn") && isInstalled("openssl")
      ? null
      : "openvpn or openssl is not installed (Debian: apt-get install openvpn openssl)",
  async start(scope, { client, gateway, gatewayOuter, folder }) {
    const own = { client: certificate(folder, "client"), gateway: certificate(folder, "gateway") };
    const common = [
      "--dev",
      "ovpn0",
      "--dev-type",
      "tun",
      "--proto",
      "udp",
      "--port",
      "1194",
      "--tun-mtu",
      `${MTU}`,
      "--data-ciphers",
      "AES-256-GCM",
      "--topology",
      "subnet",
      "--disable-dco",
    ];
    startProgram(scope, gateway, "openvpn", [
      ...common,
      "--dh",
      "none",
      "--float",
      "--local",
      gatewayOuter,
      "--keepalive",
      "10",
      "60",
      ...identity(own.gateway, own.client),
      "--server",
      "10.82.0.0",
      "255.255.255.0",
    ]);
    startProgram(scope, client, "openvpn", [
      ...common,
      "--client",
      "--remote",
      gatewayOuter,
      ...identity(own.client, own.gateway),
    ]);
    for (const netns of [client, gateway]) await untilUp(netns);
    return "10.82.0.1";
  },
};

function identity(own: Certificate, peer: Certificate): string[] {
  return ["--cert", own.cert, "--key", own.key, "--peer-fingerprint", peer.fingerprint];
}

async function untilUp(netns: Netns): Promise<void> {
  await until("OpenVPN's device has its address", 15_000, async () => {
    const shown = await netns.ip("addr show dev ovpn0").catch(() => "");
    return shown.includes("10.82.0.") ? true : undefined;
  });
}

function certificate(folder: string, name: string): Certificate {
  const cert = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.pem`);
  const words = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
  ];
  execFileSync("openssl", [...words, "-keyout", key, "-out", cert], { stdio: "ignore" });
  return { cert, key, fingerprint: new X509Certificate(readFileSync(cert)).fingerprint256 };
}
