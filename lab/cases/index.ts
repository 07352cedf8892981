import { SINGLE_DEATH_WITH_BACKUP, VARIANTS } from "./1-1.ts";
import { SINGLE_DEATH_WITHOUT_BACKUP } from "./1-2.ts";
import { LOSS_SPIKE } from "./2-1.ts";
import { LOSS_EVERYWHERE } from "./2-2.ts";
import { FLAPPING } from "./3.ts";
import { WRONG_PROOFS } from "./4.ts";
import { LIFETIME } from "./5.ts";
import { BLACKOUT } from "./6.ts";
import { DENIED_SWITCHES } from "./7.ts";
import { OPERATOR_TERMINATION } from "./8.ts";
import { ATTACKS_REPLAY } from "./attacks-replay.ts";
import type { Case } from "./case.ts";
import { ENDED_WHILE_AWAY } from "./ended-while-away.ts";
import { FAILS_CLOSED } from "./fails-closed.ts";
import { GATEWAY_RESTART } from "./gateway-restart.ts";
import { IDLE } from "./idle.ts";
import { NAT_REBINDING, NAT_REBINDING_REDUNDANT } from "./iso-nat.ts";
import { INVALID_POLICY } from "./iso-policy.ts";
import { PRESSURE } from "./iso-pressure.ts";
import { REPLAY_FLOOD } from "./iso-replay.ts";
import { PATH_MTU } from "./path-mtu.ts";
import { REDUNDANT } from "./redundant.ts";
import { RESERVE } from "./reserve.ts";
import { THOUSAND_JUMPS } from "./soak-jumps.ts";
import { SUPERSEDED } from "./superseded.ts";
import { CELLULAR } from "./traces.ts";

export const CASES: readonly Case[] = [
  SINGLE_DEATH_WITH_BACKUP,
  SINGLE_DEATH_WITHOUT_BACKUP,
  LOSS_SPIKE,
  LOSS_EVERYWHERE,
  FLAPPING,
  WRONG_PROOFS,
  LIFETIME,
  BLACKOUT,
  DENIED_SWITCHES,
  OPERATOR_TERMINATION,
  SUPERSEDED,
  GATEWAY_RESTART,
  ENDED_WHILE_AWAY,
  FAILS_CLOSED,
  IDLE,
  RESERVE,
  REDUNDANT,
  NAT_REBINDING,
  NAT_REBINDING_REDUNDANT,
  REPLAY_FLOOD,
  ATTACKS_REPLAY,
  INVALID_POLICY,
  PRESSURE,
  CELLULAR,
  PATH_MTU,
  ...VARIANTS,
  THOUSAND_JUMPS,
];

/** The cases that the test suite plays: a mistake usually breaks one of them first. */
export const QUICK: readonly string[] = ["1.1", "1.2", "2.1", "2.2", "3", "5", "6", "8"];
