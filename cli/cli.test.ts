import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SessionView, StatusDocument } from "#sdk/index";

/** The commands as they are installed; `npm run build` compiles them. */
const BIN = join(import.meta.dirname, "../bin");
const IS_BUILT = existsSync(join(BIN, "../build/cli/main.js"));
const KEY = `jvpk1:${"A".repeat(43)}`;
const HAS_ENGINE = existsSync(join(BIN, "../build/engine.node"));

let folder: string;
let server: Server;
let status: StatusDocument;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "jvpn-cli-"));
  server = createServer((asked, answer) => {
    const [code, body] = answerTo(asked.url ?? "");
    answer.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

describe.runIf(IS_BUILT)("exit codes", () => {
  test("2: a usage error", async () => {
    expect((await jvpn("switch", "s-1")).code).toBe(2);
    expect((await jvpn("nonsense")).code).toBe(2);
    expect((await jvpn("policy", "apply")).stderr).toContain("(see jvpn policy apply --help)");
    expect((await jvpn("switch")).stderr).toContain("(see jvpn switch --help)");
    expect((await jvpn("nonsense", "--help")).code).toBe(2);
    expect(JSON.parse((await jvpn("switch", "s-1", "--json")).stderr)).toMatchObject({
      schema: "jumping-vpn/error/v1",
      code: "usage",
      message: "required option '--to <path>' not specified",
    });
  });

  test("1: a result that cannot be written, in three lines", async () => {
    const child = spawn("/bin/sh", ["-c", `exec ${process.execPath} ${join(BIN, "jvpn")} --help > /dev/full`]);
    let stderr = "";
    child.stderr.on("data", (text: Buffer) => {
      stderr += text.toString();
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: the result cannot be written\n {2}why: .*ENOSPC.*\n {2}do: /),
    ]);
  });

  test("0: --version", async () => {
    const { code, stdout } = await jvpn("--version");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
  });

  test("8: no daemon, in three lines and as JSON", async () => {
    const text = await jvpn("status", "--socket", join(folder, "none"));
    expect([text.code, text.stderr.split("\n").map((line) => line.trim().split(":")[0])]).toEqual([
      8,
      ["error", "why", "do", ""],
    ]);
    const json = await jvpn("status", "--json", "--socket", join(folder, "none"));
    expect([json.code, JSON.parse(json.stderr)]).toMatchObject([
      8,
      { schema: "jumping-vpn/error/v1", code: "daemon_not_running" },
    ]);
  });

  test("0, 10 and 11: `status --check` distinguishes attached from not attached from terminated", async () => {
    const codes: number[] = [];
    for (const state of ["ATTACHED", "DEGRADED", "TERMINATED"] as const) {
      status = statusWith(state);
      codes.push((await jvpn("status", "--check")).code);
    }
    expect(codes).toEqual([0, 10, 11]);
  });

  test.each([
    [5, "security_failure"],
    [6, "not_found"],
    [6, "unknown_path"],
    [7, "switch_rate_limited"],
    [9, "authority_lost"],
    [1, "target_unusable"],
  ])("%i: %s", async (code, refusal) => {
    expect((await jvpn("switch", refusal, "--to", "eth0/udp4")).code).toBe(code);
  });

  test("7 names the reason and the next permitted time", async () => {
    expect((await jvpn("switch", "switch_rate_limited", "--to", "eth0/udp4")).stderr).toMatch(
      /^denied: switch_rate_limited \(next in 23 s\)\n/,
    );
  });

  test("0: a gateway that ends a session says that the client may come again, and how to keep it out", async () => {
    const { code, stdout } = await jvpn("terminate", "remote", "--reason", "lost laptop");
    expect([code, stdout]).toEqual([
      0,
      `terminated: s-7QF2-9KXD
  The client may connect again, with a new session.
  To keep it out: remove its [[client]] from gateway.toml, and reload the gateway (SIGHUP).
`,
    ]);
    expect((await jvpn("terminate", "own", "--reason", "bye")).stdout).toBe("terminated: s-7QF2-9KXD\n");
  });

  test("4: a policy that is not valid, with every line, by the daemon's rules or by the daemon", async () => {
    const file = join(folder, "bad-policy.toml");
    writeFileSync(file, 'schema = "jumping-vpn/policy/v1"\n[switch]\nmax_per_min = 0\ncooldown = "9h"\n');
    const checked = await jvpn("policy", "check", file);
    expect([checked.code, checked.stderr.match(/bad-policy\.toml:\d+/g)]).toEqual([
      4,
      ["bad-policy.toml:3", "bad-policy.toml:4"],
    ]);
    const json = await jvpn("policy", "check", "--json", file);
    expect(JSON.parse(json.stdout)).toMatchObject({
      schema: "jumping-vpn/policy-check/v1",
      ok: false,
      faults: [{ line: 3 }, { line: 4 }],
    });
    const applied = await jvpn("policy", "apply", file);
    expect([applied.code, applied.stderr]).toEqual([
      4,
      expect.stringMatching(/^error: p:3: a\n {2}why: w\n {2}do: {2}h\nerror: p:4: b\n/),
    ]);
  });

  test.each([
    [2, ["policy", "rollback", "newest"]],
    [4, ["policy", "diff", "/nowhere/policy.toml"]],
    [6, ["policy", "rollback", "9"]],
  ])("%i: %j", async (code, args) => {
    expect((await jvpn(...args)).code).toBe(code);
  });

  test("4: a configuration fault, with its line", async () => {
    const file = join(folder, "bad.toml");
    writeFileSync(file, '[client]\nidentiy = "x"\n');
    const checked = await jvpn("config", "check", file);
    expect([checked.code, checked.stderr]).toEqual([4, expect.stringContaining(`${file}:2: unknown key \`identiy\``)]);
    expect((await jvpn("up", "--config", file, "--socket", join(folder, "none"))).code).toBe(4);
    expect((await jvpn("config", "check", "--config", file)).stderr).toContain(`${file}:2:`);
    expect((await jvpn("config", "show", "--config", file)).stderr).toContain(`${file}:2:`);
  });

  test.each([
    ["key", ["client", "--gateway", "fra-2.example", "--gateway-key", "jvpk1:short"]],
    ["port", ["client", "--gateway", "fra-2.example:99999", "--gateway-key", KEY]],
    ["name", ["client", "--gateway", "fra-2.example", "--gateway-key", KEY, "--name", "van 12"]],
    ["pool", ["gateway", "--pool", "10.80.0.1/16"]],
    ["listening address", ["gateway", "--listen", "fra-2.example:4774"]],
  ])("2: `init` with a bad %s, in three lines, and nothing is written", async (_, args) => {
    const dir = join(folder, "bad-init");
    const refused = await jvpn("init", ...args, "--dir", dir);
    expect([refused.code, refused.stderr, existsSync(dir)]).toEqual([
      2,
      expect.stringMatching(
        /^error: .* is not valid: .*\n {2}why: must .*\n {2}do: {2}correct the command; nothing was written\n$/,
      ),
      false,
    ]);
  });

  test("a command that cannot do its work leaves stdout empty, and with --json has one error document on stderr", async () => {
    for (const words of [["config", "show", "--role", "gateway"], ["pubkey"], ["policy", "diff"]]) {
      const said = await jvpn(...words, ...(words[0] === "config" ? ["--config"] : []), join(folder, "none"), "--json");
      expect([said.stdout, JSON.parse(said.stderr).schema]).toEqual(["", "jumping-vpn/error/v1"]);
    }
  });

  test("each error of the system about a file has three lines of its own", async () => {
    const full = await jvpn("init", "gateway", "--dir", join(folder, "none.txt", "x"));
    expect(full.stderr).not.toContain("please report");
    const { stderr } = await jvpn("init", "gateway", "--dir", "/proc/x");
    expect(stderr).toBe(
      "error: /proc/x cannot be used\n  why: it does not exist, or its folder does not\n  do:  check the path /proc/x\n",
    );
  });

  test("11: `up`, at once, if an operator ended the session of a client that still runs", async () => {
    const config = join(folder, "up.toml");
    writeFileSync(config, `[client]\nidentity = "k"\n[[gateway]]\naddress = "fra-2.example"\nkey = "${KEY}"\n`);
    status = statusWith("TERMINATED");
    const refused = await jvpn("up", "--config", config, "--state", folder, "--timeout", "60");
    expect([refused.code, refused.stderr]).toEqual([11, expect.stringContaining("do:  run `jvpn down`, then `jvpn up`")]);
  });

  test("7: whatever the reason is for which the client denies a switch that its gateway asks for", async () => {
    const text = await jvpn("switch", "asked", "--to", "eth0/udp4");
    expect([text.code, text.stdout]).toEqual([7, ""]);
    expect(text.stderr).toBe("denied: target_unusable, by the client\n  why: w\n  do:  h\n");
    const { code, stderr } = await jvpn("switch", "asked", "--to", "eth0/udp4", "--json");
    expect([code, JSON.parse(stderr)]).toMatchObject([7, { code: "target_unusable", deniedBy: "client" }]);
  });

  test("0: a switch is printed when the session is on the path", async () => {
    expect((await jvpn("switch", "wish", "--to", "eth0/udp4")).stdout).toBe("switched: s-7QF2-9KXD → eth0/udp4 in 43 ms\n");
    expect((await jvpn("switch", "--to", "eth0")).stdout).toBe("s-7QF2-9KXD is on eth0/udp4 already\n");
    expect((await jvpn("session", "")).stderr).toMatch(/^error: no session is named\n/);
  });
});

describe.runIf(IS_BUILT)("what a person reads", () => {
  test.each([
    ["redundant", "redundant", "  sending    redundant: every packet on two paths while two are warm"],
    ["failover", "redundant", "  sending    failover, on one path: see `jvpn status` at the gateway"],
    ["redundant", "failover", "  sending    redundant: every packet on two paths while two are warm"],
  ] as const)("the status shows a session that sends as %s while the policy wants %s", async (mode, wanted, line) => {
    const attached = statusWith("ATTACHED");
    status = {
      ...attached,
      view: { ...attached.view, sessions: attached.view.sessions.map((one) => ({ ...one, sending: { mode, wanted } })) },
    };
    expect((await jvpn("status")).stdout.split("\n")).toContain(line);
  });

  test("the status of an attached client", async () => {
    status = statusWith("ATTACHED");
    expect((await jvpn("status")).stdout).toBe(
      `● ATTACHED   session s-7QF2-9KXD   2h14m (limit 12h)   policy standard v3, the gateway's v17
  gateway    fra-2 (203.0.113.7:4774)   tunnel 10.80.0.14, fd80::e   mtu 1380
  heard      1.2 s ago   keys 45 s old   in 8.4 MB, out 620 kB
  path  ▶ wlan0/udp4    rtt 18 ms ±2   loss 0.1 %  mtu 1500
        · wwan0/udp6    rtt 61 ms ±9   loss 0.0 %  warm standby, metered, backup
  jumps      3 (last 11m ago: eth0/udp4→wlan0/udp4, transport_dead, 43 ms without a path)
             budget 0/8 per min
`,
    );
  });

  test("the status of a client names every server that its gateway told, at most four, and that none is set up", async () => {
    const attached = statusWith("ATTACHED");
    const dns = ["10.80.0.1", "fd80::1", "10.80.0.2", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"];
    status = withDns(attached, dns);
    expect((await jvpn("status")).stdout.split("\n").slice(2, 6)).toEqual([
      "  dns        10.80.0.1   told by the gateway, not set up",
      "             fd80::1",
      "             10.80.0.2",
      "             2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
    ]);
    expect(JSON.parse((await jvpn("status", "--json")).stdout).view.sessions[0].inner.dns).toEqual(dns);
    status = withDns(statusWith("TERMINATED"), dns);
    expect((await jvpn("status")).stdout).not.toContain("dns");
  });

  test("why events cannot be recorded", async () => {
    const attached = statusWith("ATTACHED");
    const health = { ...attached.view.health, observability: "degraded" } as const;
    const trouble = "file: ENOSPC: no space left on device, write";
    status = { ...attached, record: { ...attached.record, trouble }, view: { ...attached.view, health } };
    expect((await jvpn("status")).stdout).toContain(`  ! observability: degraded: ${trouble}\n`);
  });

  test("a gateway's status shows who knocks and is refused", async () => {
    const attached = statusWith("ATTACHED");
    const refused = [
      {
        cause: "unknown_peer",
        count: 12,
        lastAt: "2026-01-02T03:04:05.000Z",
        remote: "198.51.100.7:99",
        key: `jvpk1:${"A".repeat(43)}`,
      },
      { cause: "session_cloned", count: 2, lastAt: "2026-01-02T03:04:06.000Z", remote: null, key: null },
    ];
    status = { ...attached, role: "gateway", refused };
    expect((await jvpn("status")).stdout.split("\n").slice(4, 6)).toEqual([
      "  refused    12 × unknown_peer, last 2026-01-02 03:04:05 from 198.51.100.7:99 jvpk1:AAAAAAAAAA…",
      "             2 × session_cloned, last 2026-01-02 03:04:06",
    ]);
  });

  test("a configuration that a reload refused, and settings that wait for a restart", async () => {
    const config = { errors: ['/etc/c.toml:3: paths.wlan0.priority = "first"'], warnings: [], awaitingRestart: ["mtu"] };
    status = { ...statusWith("ATTACHED"), config };
    expect((await jvpn("status")).stdout).toContain(`  ! the configuration file is refused; the last valid one stays in force:
  !   /etc/c.toml:3: paths.wlan0.priority = "first"
  ! changed settings wait for a restart: mtu
`);
  });

  test("traffic that is held back, and a gateway's name that does not resolve", async () => {
    const attached = statusWith("ATTACHED");
    const why = "Temporary failure in name resolution; resolver 127.0.0.53 answers SERVFAIL";
    const dial = { sinceBootMs: 0, attempts: 0, lastReason: null };
    status = {
      ...attached,
      tunnel: { ...attached.tunnel, state: "unconfigured", closed: ["0.0.0.0/0", "::/0"] },
      unresolved: [{ name: "gw.example", why, inUse: [] }],
      view: { ...attached.view, dial, sessions: [] },
    };
    expect((await jvpn("status")).stdout).toBe(`○ WAITING   a gateway's name does not resolve
  ! gw.example does not resolve: ${why}
  ! traffic for 0.0.0.0/0, ::/0 is held back until the tunnel carries it, or until \`jvpn down\`
`);
    status = { ...attached, unresolved: [{ name: "gw.example", why, inUse: ["192.0.2.7"] }] };
    expect((await jvpn("status")).stdout).toContain(`SERVFAIL; in use are its last addresses 192.0.2.7`);
  });

  test.each([
    ["dial_unanswered", "  why: the gateway is unreachable, UDP to it is blocked"],
    ["policy_invalid", "  why: the gateway answered, and gave no session: the policy in force is invalid"],
    ["session_cloned", "  why: the gateway answered, and gave no session: the same client key requested a second session"],
    ["client_removed", "  why: the gateway answered, and gave no session: the client was removed"],
  ] as const)("the status of a client that dials says why: %s", async (lastReason, why) => {
    const attached = statusWith("ATTACHED");
    const dial = { sinceBootMs: 8_035_600, attempts: 5, lastReason };
    const states = { ...attached.view.states, ATTACHED: 0 };
    status = { ...attached, view: { ...attached.view, states, sessions: [], dial } };
    const { stdout } = await jvpn("status");
    expect(stdout).toContain(`for 4.4 s, 5 without success   last failure ${lastReason}\n${why}`);
  });

  test("what the policy permits, until when, and why a path is not chosen", async () => {
    expect((await jvpn("policy", "explain")).stdout).toBe(
      `policy field v3   apply, until /etc/p.toml changes
  new sessions    allowed

● ATTACHED   session s-7QF2-9KXD   policy field v3
  switches        8 of 8 in the last minute, 4 of at most 4 that could wait
  recoveries      8 of 30 in the last minute, 4 of at most 15 that could wait
  elective move   denied: switch_rate_limited (8 of 8), allowed in 23 s
  revalidation    allowed
  expires in      10h of 12h: session_lifetime_exceeded
  path  ▶ wlan0/udp4    rtt 18 ms  active
        · wwan0/udp6    rtt 9 ms   not chosen: gains 9.0 ms, the policy needs 10.0 ms
`,
    );
  });

  test("the same as one JSON document", async () => {
    status = statusWith("ATTACHED");
    expect(JSON.parse((await jvpn("status", "--json")).stdout)).toEqual(status);
  });
});

describe.runIf(IS_BUILT && HAS_ENGINE)("a first configuration", () => {
  test("init writes both sides so that they check, keys 0600, and never overwrites", async () => {
    const gateway = await jvpn("init", "gateway", "--dir", join(folder, "g"));
    const key = /--gateway-key (\S+)/.exec(gateway.stdout)?.[1] ?? "";
    const client = await jvpn(
      "init",
      "client",
      "--dir",
      join(folder, "c"),
      "--gateway",
      "fra-2.example",
      "--gateway-key",
      key,
      "--name",
      "van-12",
    );
    expect([gateway.code, client.code, client.stdout]).toEqual([0, 0, expect.stringContaining('name = "van-12"')]);
    expect(gateway.stdout.match(/^wrote .*$/gm)).toEqual(
      ["gateway.toml", "gateway.key", "policy.toml"].map((name) => `wrote ${join(folder, "g", name)}`),
    );
    expect(gateway.stdout).toContain("--gateway PUBLIC-ADDRESS:4774 ");
    const shown = await jvpn("config", "show", "--config", join(folder, "g/gateway.toml"));
    expect(JSON.parse(shown.stdout)).toMatchObject({ settings: { role: "gateway" } });
    expect(statSync(join(folder, "c/client.key")).mode & 0o777).toBe(0o600);
    expect(
      (
        await jvpn(
          "config",
          "check",
          join(folder, "g/gateway.toml"),
          join(folder, "c/client.toml"),
          join(folder, "g/policy.toml"),
        )
      ).code,
    ).toBe(0);
    const before = readFileSync(join(folder, "g/gateway.key"), "utf8");
    expect((await jvpn("init", "gateway", "--dir", join(folder, "g"))).code).toBe(1);
    expect(readFileSync(join(folder, "g/gateway.key"), "utf8")).toBe(before);
  });

  test("genkey prints what pubkey prints, and refuses a file that is there", async () => {
    const file = join(folder, "k");
    const made = await jvpn("genkey", file);
    expect([made.code, (await jvpn("pubkey", file)).stdout, (await jvpn("genkey", file)).code]).toEqual([0, made.stdout, 4]);
    chmodSync(file, 0o644);
    expect(await jvpn("pubkey", file)).toMatchObject({ code: 4, stderr: expect.stringContaining(`chmod 600 ${file}`) });
  });
});

function jvpn(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(BIN, "jvpn"), ...args], {
      env: { ...process.env, JVPN_SOCKET: join(folder, "s") },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, stdout, stderr }));
  });
}

/** A daemon that knows one status, and denies `…/sessions/CODE/switch` with that code. */
function answerTo(url: string): [number, unknown] {
  const ended = /sessions\/(\w+)\/terminate/.exec(url)?.[1];
  if (ended !== undefined)
    return [
      200,
      { schema: "jumping-vpn/done/v1", verb: "terminate", value: { session: "s-7QF2-9KXD-1", mayReturn: ended === "remote" } },
    ];
  const denied = /sessions\/(\w+)\/switch/.exec(url)?.[1];
  const [session, requested] = ["s-7QF2-9KXD-1", "eth0/udp4"];
  if (denied === "wish")
    return [200, { schema: "jumping-vpn/done/v1", verb: "switch", value: { session, requested, tookMs: 43, asked: "client" } }];
  if (denied === "asked") {
    const [code, message] = ["target_unusable", "the client denied the switch to eth0/udp4: target_unusable"];
    return [409, { ...refusal, code, message, deniedBy: "client" }];
  }
  if (url === "/v1/sessions/-/switch")
    return [200, { schema: "jumping-vpn/done/v1", verb: "switch", value: { session, requested, alreadyActive: true } }];
  if (denied !== undefined)
    return [409, { schema: "jumping-vpn/error/v1", code: denied, message: denied, why: "w", hint: "h", retryAfterMs: 22_500 }];
  const policy = POLICY[url.split("?")[0] ?? ""];
  return policy ?? [200, status];
}

const refusal = { schema: "jumping-vpn/error/v1", why: "w", hint: "h", retryAfterMs: null };
const faults = ["a", "b"].map((what, index) => ({ file: "p", line: 3 + index, what, why: "w", hint: "h" }));

/** Answers about the policy. */
const POLICY: Readonly<Record<string, [number, unknown]>> = {
  "/v1/policy/apply": [409, { ...refusal, code: "policy_invalid", message: "p:3: a", faults }],
  "/v1/policy/rollback": [404, { ...refusal, code: "not_found", message: "there is no version 9 of the policy" }],
  "/v1/policy/explain": [
    200,
    {
      schema: "jumping-vpn/policy-explain/v1",
      policy: {
        name: "field",
        version: 3,
        digest: "d",
        origin: "apply",
        file: "/etc/p.toml",
        valid: true,
        errors: [],
        overFile: true,
      },
      newSessions: { allowed: true, reason: null },
      sessions: [
        {
          session: "s-7QF2-9KXD-XXXX",
          role: "client",
          state: "ATTACHED",
          policy: "field@3",
          sending: { mode: "failover", wanted: "failover" },
          budget: {
            switches: { used: 8, max: 8, electiveUsed: 4, electiveMax: 4 },
            recoveries: { used: 8, max: 30, electiveUsed: 4, electiveMax: 15 },
          },
          moves: [
            { kind: "elective", allowed: false, reason: "switch_rate_limited", retryAfterMs: 23_000, used: 8, max: 8 },
            { kind: "revalidate", allowed: true, reason: null, retryAfterMs: 0, used: 0, max: 0 },
          ],
          clocks: [{ reason: "session_lifetime_exceeded", limitMs: 43_200_000, leftMs: 36_000_000 }],
          paths: [
            { path: 1, label: "wlan0/udp4", active: true, rank: { rttUs: 18_000, usable: 0 }, comparison: null },
            {
              path: 2,
              label: "wwan0/udp6",
              active: false,
              rank: { rttUs: 9_000, usable: 0 },
              comparison: { move: false, because: "margin", gainMs: 9, neededMs: 10 },
            },
          ],
        },
      ],
      total: 1,
    },
  ],
};

function withDns(of: StatusDocument, dns: readonly string[]): StatusDocument {
  const inner = { v4: "10.80.0.14", v6: "fd80::e", dns, mtu: 1380 };
  return { ...of, view: { ...of.view, sessions: of.view.sessions.map((session) => ({ ...session, inner })) } };
}

function statusWith(state: SessionView["state"]): StatusDocument {
  const path = {
    id: 1,
    label: "wlan0/udp4",
    local: "192.0.2.9",
    remote: "203.0.113.7:4774",
    role: "active",
    rttMs: 18,
    rttVarMs: 2,
    jitterMs: 1,
    lossRatio: 0.001,
    mtu: 1500,
    priority: "primary",
    metered: false,
    penaltyMs: 0,
    heardMsAgo: 1_200,
    rxBytes: 4_200_000,
    txBytes: 310_000,
    reason: null,
  } as const;
  const session: SessionView = {
    handle: 1,
    id: "s-7QF2-9KXD-XXXX",
    role: "client",
    state,
    version: 9,
    endedBy: null,
    bornAtBootMs: 0,
    ageMs: 8_040_000,
    lifetimeMs: 43_200_000,
    reason: null,
    policy: "standard@3+17",
    sending: { mode: "failover", wanted: "failover" },
    peer: { name: "fra-2", key: "jvpk1:x" },
    inner: { v4: "10.80.0.14", v6: "fd80::e", dns: [], mtu: 1380 },
    active: 1,
    paths: [
      path,
      {
        ...path,
        id: 2,
        label: "wwan0/udp6",
        role: "warm",
        rttMs: 61,
        rttVarMs: 9,
        lossRatio: 0,
        mtu: null,
        metered: true,
        priority: "backup",
      },
    ],
    jumps: {
      count: 3,
      last: { atBootMs: 7_380_000, from: "eth0/udp4", to: "wlan0/udp4", reason: "transport_dead", withoutPathMs: 43 },
    },
    budget: { switches: { used: 0, max: 8, electiveUsed: 0, electiveMax: 4 }, nextSwitchInMs: 0 },
    transportlessMs: null,
    heardMsAgo: 1_200,
    rxBytes: 8_400_000,
    txBytes: 620_000,
    keysAgeMs: 45_000,
    keysExpired: false,
    predecessor: null,
  };
  return {
    schema: "jumping-vpn/status/v1",
    node: "van",
    role: "client",
    pid: 1,
    version: "0.1.0",
    uptimeMs: 1,
    publicKey: "jvpk1:y",
    listen: [],
    capabilities: [],
    workers: 1,
    tunnel: {
      interface: "jvpn0",
      state: "configured",
      addresses: [],
      routes: [],
      closed: [],
      mtu: 1380,
      warnings: [],
      error: null,
    },
    unresolved: [],
    refused: [],
    config: { errors: [], warnings: [], awaitingRestart: [] },
    record: { lastSeq: 1, lost: 0, trouble: null, sinks: [] },
    reports: { waitingMost: 0, lost: 0 },
    view: {
      role: "client",
      bootMs: 8_040_000,
      dial: null,
      policy: { name: "standard", version: 17, valid: true, errors: [] },
      health: { transport: "ok", session: "ok", security: "ok", policy: "ok", observability: "ok", cluster: "ok" },
      states: { BIRTH: 0, ATTACHED: 0, VOLATILE: 0, DEGRADED: 0, RECOVERING: 0, TERMINATED: 0, [state]: 1 },
      sessions: [session],
    },
  };
}
