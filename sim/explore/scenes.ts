import {
  always,
  answers,
  authority,
  challenges,
  clients,
  consent,
  deaths,
  dialling,
  ends,
  type Family,
  forgeries,
  keys,
  newcomer,
  operator,
  peerAsks,
  policies,
  proofs,
  refusals,
  roster,
  sockets,
  stores,
  suspicion,
  traffic,
} from "./moves.ts";

/** The events on the reducer alone, as if they were a scene. */
export const DIRECT = "direct";

/** One beginning and what may happen after it. Its share of the states is `weight`. */
export interface Scene {
  readonly name: string;
  readonly role: "client" | "gateway";
  /** The policy that both ends begin with; see `transcripts/presets.ts`. */
  readonly preset: string;
  readonly weight: number;
  readonly start: readonly string[];
  readonly moves: readonly Family[];
}

const HALF_A_SECOND = always("+500");
const PATIENCE = always("+500", "+2500");

function client(preset: string, links: string, rules: string, ...more: readonly string[]): readonly string[] {
  const names = links.split(" ");
  const dial = [
    `policy ${preset}`,
    `client ${rules}`.trim(),
    `links ${links}`,
    ...names.map((_name, index) => `opened ${index + 1}`),
  ];
  return [...dial, `handshake 1 1 not_asked ${preset}`, ...more];
}

/** A node of a cluster, with the authority of one heartbeat. */
const MEMBER = ["authority joined 2", "authority heartbeat 0 2"];
const ANSWERED = ["attached 1 1", "assigned 10.80.0.14", "validated 2 20"];
const WALKS = always(
  "links eth0 wlan0",
  "links eth0",
  "links wlan0",
  "links",
  "links eth0:noroute wlan0",
  "links eth0 wlan0:10.9.9.9",
);

export const SCENES: readonly Scene[] = [
  {
    name: "failover",
    role: "client",
    preset: "tiny",
    weight: 5,
    start: client("tiny", "eth0 wlan0", "", ...ANSWERED),
    moves: [HALF_A_SECOND, deaths, answers, always("links eth0", "links eth0 wlan0")],
  },
  {
    name: "three paths",
    role: "client",
    preset: "tiny",
    weight: 4,
    start: client("tiny", "eth0 wlan0 wwan0", "eth0 wlan0 wwan0=backup", ...ANSWERED, "validated 3 40"),
    moves: [HALF_A_SECOND, deaths, consent, suspicion],
  },
  {
    name: "wishes",
    role: "client",
    preset: "tiny",
    weight: 3,
    start: client("tiny", "eth0 wlan0", "eth0=backup wlan0", "attached 1 1", "validated 2 20"),
    moves: [HALF_A_SECOND, operator, peerAsks, deaths, consent, policies, ends],
  },
  {
    name: "walks",
    role: "client",
    preset: "tiny",
    weight: 6,
    start: client("tiny", "eth0 wlan0", "", ...ANSWERED),
    moves: [PATIENCE, WALKS, sockets, challenges, consent, suspicion],
  },
  {
    name: "traffic",
    role: "client",
    preset: "patient",
    weight: 3,
    start: client("patient", "eth0 wlan0", "", ...ANSWERED),
    moves: [HALF_A_SECOND, traffic("", "loss=0.5", "rtt=900", "jitter=200", "mute"), deaths, consent, operator],
  },
  {
    name: "budgets",
    role: "client",
    preset: "patient",
    weight: 4,
    start: client("patient", "eth0 wlan0", "", ...ANSWERED),
    moves: [always("+500", "+20000", "+60500"), deaths, consent, operator],
  },
  {
    name: "no switch left",
    role: "client",
    preset: "patient",
    weight: 2,
    start: client("patient", "eth0 wlan0", "", ...ANSWERED, "silent 1", "attached 2 2", "alive 1 20", "silent 2", "attached 1 3"),
    moves: [always("+500", "+60500"), deaths, consent, answers],
  },
  {
    name: "forgeries",
    role: "client",
    preset: "tiny",
    weight: 1,
    start: client("tiny", "eth0 wlan0", "", ...ANSWERED),
    moves: [HALF_A_SECOND, forgeries, keys, answers, operator, always("silent 1", "alive 1 20", "+60500")],
  },
  {
    name: "birth",
    role: "client",
    preset: "tiny",
    weight: 2,
    start: client("tiny", "eth0 wlan0", ""),
    moves: [
      PATIENCE,
      answers,
      dialling,
      ends,
      forgeries,
      policies,
      refusals,
      always("links eth0", "links eth0 wlan0", "client", "client no-reconnect", "stop", "silent@1 1"),
    ],
  },
  {
    name: "client authority",
    role: "client",
    preset: "tiny",
    weight: 2,
    start: [...MEMBER, ...client("tiny", "eth0 wlan0", "", ...ANSWERED)],
    moves: [always("+500", "+6000"), authority, deaths, answers, operator],
  },
  {
    name: "client traffic without authority",
    role: "client",
    preset: "tiny",
    weight: 1,
    start: client("tiny", "eth0", "", "attached 1 1"),
    moves: [HALF_A_SECOND, authority, traffic("", "loss=0.5"), deaths, consent],
  },
  {
    name: "following",
    role: "gateway",
    preset: "tiny",
    weight: 5,
    start: ["gateway van-12", "policy tiny", "confirmed 1 van-12", "leased 1", "validated 2 20"],
    moves: [HALF_A_SECOND, proofs, deaths, challenges, policies, always("path-closed@1 1 closed")],
  },
  {
    name: "gateway traffic",
    role: "gateway",
    preset: "patient",
    weight: 2,
    start: ["gateway van-12", "policy patient", "confirmed 1 van-12", "leased 1", "validated 2 20"],
    moves: [HALF_A_SECOND, traffic("", "loss=0.5", "rtt=900"), proofs, deaths],
  },
  {
    name: "gateway budgets",
    role: "gateway",
    preset: "patient",
    weight: 1,
    start: ["gateway van-12", "policy patient", "confirmed 1 van-12", "leased 1", "validated 2 20"],
    moves: [always("+500", "+35500"), proofs],
  },
  {
    name: "old forgeries",
    role: "client",
    preset: "patient",
    weight: 1,
    start: client("patient", "eth0 wlan0", "", ...ANSWERED),
    moves: [always("+500", "+60500", "invalid@1 path_zero attributable", "switch 1 2"), consent],
  },
  {
    name: "gateway forgeries",
    role: "gateway",
    preset: "tiny",
    weight: 1,
    start: ["gateway van-12", "policy tiny", "confirmed 1 van-12", "leased 1", "validated 2 20"],
    moves: [HALF_A_SECOND, forgeries, keys, proofs, operator, ends, suspicion],
  },
  {
    name: "clients",
    role: "gateway",
    preset: "tiny",
    weight: 2,
    start: ["gateway van-12 van-13", "policy tiny"],
    moves: [
      HALF_A_SECOND,
      clients,
      stores,
      roster,
      ends,
      always("policy broken", "policy tiny", "silent@1 1", "stop"),
      forgeries,
    ],
  },
  {
    name: "gateway authority",
    role: "gateway",
    preset: "tiny",
    weight: 2,
    start: [...MEMBER, "gateway van-12", "policy tiny", "confirmed 1 van-12", "leased 1", "validated 2 20"],
    moves: [always("+500", "+6000"), authority, proofs, deaths, newcomer, stores],
  },
];
