import type { Entry } from "#core/world";
import type { Life } from "./life.ts";

/** What can happen next in a life, as lines. Each family is one way in which the world treats a session. */
export type Family = (life: Life) => readonly string[];

/** Reports about the life and death of paths. */
export const deaths: Family = (life) => eachPath(life, (path, at) => [`silent${at} ${path}`, `alive${at} ${path} 20`]);

export const suspicion: Family = (life) => eachPath(life, (path, at) => [`suspected${at} ${path}`, `cleared${at} ${path}`]);

export const challenges: Family = (life) =>
  eachPath(life, (path, at) => [`validated${at} ${path} 20`, `path-unanswered${at} ${path}`]);

export const sockets: Family = (life) => [
  ...life.world.client.paths.flatMap(({ id }) => [`opened ${id}`, `path-error ${id} ENETUNREACH`]),
  ...eachPath(life, (path, at) => [`path-closed${at} ${path} closed`]),
];

/** What the gateway answers to an attempt, also late and to another one. */
export const answers: Family = (life) =>
  eachSession(life, ({ session, transport }, handle, at) => {
    const [first = 1, second = 2] = transport.paths.map(({ id }) => id);
    if (session.state === "BIRTH")
      return [
        `attached ${first} 1 ${handle}`,
        `attached ${second} 1 ${handle}`,
        `attached ${first} 2 ${handle}`,
        `denied${at} ${first} 1 session_cloned 0`,
        `denied${at} ${first} 9 policy_denied 0`,
        `unanswered${at} ${first} 1`,
      ];
    if (session.state !== "RECOVERING")
      return [
        `attached ${first} ${session.bindSeq} ${handle}`,
        `denied${at} ${first} ${session.bindSeq} switch_rate_limited 600`,
        `unanswered${at} ${first} ${session.bindSeq}`,
      ];
    const { target, attempt } = session;
    const other = target === first ? second : first;
    return [
      `attached ${target} ${attempt} ${handle}`,
      `attached ${other} ${attempt} ${handle}`,
      `attached ${target} ${attempt - 1} ${handle}`,
      `denied${at} ${target} ${attempt} switch_rate_limited 600`,
      `denied${at} ${target} ${attempt - 1} switch_rate_limited 600`,
      `unanswered${at} ${target} ${attempt}`,
      `unanswered${at} ${target} ${attempt - 1}`,
    ];
  });

/** Only what the gateway answers when all is well. */
export const consent: Family = (life) =>
  eachSession(life, ({ session }, handle) => {
    if (session.state === "BIRTH") return [`attached 1 1 ${handle}`];
    return session.state === "RECOVERING" ? [`attached ${session.target} ${session.attempt} ${handle}`] : [];
  });

export const operator: Family = (life) => [
  ...eachSession(life, ({ transport }, handle) => transport.paths.map(({ id }) => `switch ${handle} ${id}`)),
  "switch 99 1",
];

export const peerAsks: Family = (life) => eachPath(life, (path, at) => [`asked${at} ${path}`]);

export const ends: Family = (life) =>
  eachSession(life, (_entry, handle, at) => [
    `terminate ${handle} bye`,
    `peer-closed${at} because`,
    `peer-closed${at} peer_closed`,
  ]);

export const forgeries: Family = (life) => [
  ...eachSession(life, (_entry, _handle, at) => [`invalid${at} echo_never_issued attributable`, `invalid${at} stale_echo no`]),
  "dropped wrong_length 3",
  "dropped duplicate 2",
];

export const keys: Family = (life) =>
  eachSession(life, (_entry, _handle, at) => [`key-rotated${at} 3`, `key-expired${at} 3`, `rekey-denied${at} 3 busy`]);

/** Commands that the engine refuses: of a session, of a path that is opened, of the dial. */
export const refusals: Family = (life) => {
  const { client } = life.world;
  const opening = client.paths.filter(({ socket }) => socket === "opening").map(({ id }) => `refused OpenPath ${id}`);
  const dial = client.dial.phase.is === "running" ? ["refused Dial"] : [];
  return [...eachSession(life, (_entry, _handle, at) => [`refused${at} SetProbing`]), ...opening, ...dial];
};

export const policies: Family = () => ["policy broken", "policy tight", "policy tiny"];

/** Answers to the running dial: whatever the gateway says about the session that the client holds, or a refusal. */
export const dialling: Family = (life) => {
  const { dial } = life.world.client;
  const next = life.judge.newest + 1;
  const hints = eachSession(life, (_entry, _handle, at) => [`hinted${at}`]);
  const { name } = life.world.policy.current?.base ?? { name: "tiny" };
  const offer = name === "tight" ? "tiny" : name;
  return dial.phase.is === "running"
    ? [
        ...["live", "unknown", "ended:operator_terminated", "not_asked"].map((word) => `handshake 1 ${next} ${word} ${offer}`),
        "handshake-refused client_removed",
        "handshake-unanswered",
        ...hints,
      ]
    : hints;
};

/** What a client may prove to its gateway: newer, the same again, older. */
export const proofs: Family = (life) =>
  eachSession(life, (entry, handle) => {
    const { session } = entry;
    const ids = entry.transport.paths.map(({ id }) => id);
    const next = Math.min(3, Math.max(0, ...ids) + 1);
    return [...new Set([...ids, next])].flatMap((path) => [
      `requested ${path} ${session.bindSeq + 1} switch ${handle}`,
      `requested ${path} ${session.bindSeq} switch ${handle}`,
    ]);
  });

/** Further clients, the same one again, and what its old session says to a challenge. */
export const clients: Family = (life) => [
  `confirmed ${life.judge.newest + 1} van-12`,
  `confirmed ${life.judge.newest + 1} van-13`,
  `confirmed ${life.judge.newest + 1} stranger`,
  ...eachSession(life, (_entry, handle) => [`challenge ${handle} silent`, `challenge ${handle} answered`]),
];

/** The same client once more. */
export const newcomer: Family = (life) => [
  `confirmed ${life.judge.newest + 1} van-12`,
  ...eachSession(life, (_entry, handle) => [`challenge ${handle} silent`, `challenge ${handle} answered`]),
];

export const roster: Family = () => ["gateway van-13", "gateway van-12 van-13"];

/** What the store says to each request that waits, and to one that nobody waits for any more. */
export const stores: Family = ({ world: { gateway } }) => [
  ...[...gateway.requests.keys()].flatMap((token) => [`leased ${token}`, `leased ${token} none`, `leased ${token} unknown`]),
  "leased 0",
];

/** The node joins a cluster and loses its authority; a committed heartbeat gives it back for a limited time. */
export const authority: Family = ({ world, now }) => [
  `authority joined ${world.authority.epoch + 1}`,
  `authority heartbeat ${now} ${world.authority.epoch}`,
  `authority heartbeat ${now} ${world.authority.epoch - 1}`,
  "authority missed",
];

/** Lines that do not depend on where a life is. */
export const always =
  (...lines: readonly string[]): Family =>
  () =>
    lines;

/** A second of traffic on each path, by `how` it goes. */
export const traffic =
  (...how: readonly string[]): Family =>
  (life) => {
    const [entry] = [...life.world.sessions.values()].slice(-1);
    const alive = (entry?.transport.paths ?? []).filter(({ health }) => health.is === "alive");
    return alive.flatMap(({ id }) => how.map((quality) => `+1000 ${id} ${quality}`.trim()));
  };

function eachSession(life: Life, lines: (entry: Entry, handle: number, at: string) => readonly string[]): readonly string[] {
  return [...life.world.sessions.entries()].flatMap(([handle, entry]) => lines(entry, handle, `@${handle}`));
}

/** A path that the peer closed is left out: an engine has nothing more to say about it. */
function eachPath(life: Life, lines: (path: number, at: string) => readonly string[]): readonly string[] {
  const closed = life.world.client.paths.filter(({ socket }) => socket === "failed").map(({ id }) => id);
  return eachSession(life, ({ transport }, _handle, at) =>
    transport.paths.flatMap(({ id }) => (closed.includes(id) ? [] : lines(id, at))),
  );
}
