import { SINGLE_DEATH_WITH_BACKUP } from "./1-1.ts";
import { SINGLE_DEATH_WITHOUT_BACKUP } from "./1-2.ts";
import { LOSS_SPIKE } from "./2-1.ts";
import { LIFETIME } from "./5.ts";
import { BLACKOUT } from "./6.ts";
import { OPERATOR_TERMINATION } from "./8.ts";
import type { Case } from "./case.ts";

export const CASES: readonly Case[] = [
  SINGLE_DEATH_WITH_BACKUP,
  SINGLE_DEATH_WITHOUT_BACKUP,
  LOSS_SPIKE,
  LIFETIME,
  BLACKOUT,
  OPERATOR_TERMINATION,
];

/** Played by the test suite: what a change breaks first. */
export const QUICK: readonly string[] = ["1.1", "1.2", "2.1", "5", "6", "8"];
