import * as cluster from "#domains/cluster/step";
import * as observability from "#domains/observability/redact";
import * as budget from "#domains/policy/budget";
import * as offers from "#domains/policy/offer";
import * as validity from "#domains/policy/validity";
import * as proofs from "#domains/security/proof";
import * as security from "#domains/security/step";
import * as session from "#domains/session/step";
import * as better from "#domains/transport/better";
import * as rank from "#domains/transport/rank";
import * as transport from "#domains/transport/step";
import * as views from "#domains/transport/views";

/** The six domains as the core calls them. It is a value, so that a test can replace one by a domain that throws. */
export const REAL_DOMAINS = {
  transport: {
    step: transport.step,
    choose: rank.choose,
    better: better.better,
    betterAt: better.betterAt,
    explain: better.explain,
    views: views.views,
  },
  session: { step: session.step, corrupt: session.corrupt },
  security: { step: security.step, mintHandshakeProof: proofs.mintHandshakeProof, mintAttachProof: proofs.mintAttachProof },
  policy: {
    mayRecover: budget.mayRecover,
    recordRecovery: budget.recordRecovery,
    recordSwitch: budget.recordSwitch,
    usage: budget.usage,
    offer: validity.offer,
    offerOf: offers.offerOf,
    policyFromOffer: offers.policyFromOffer,
  },
  observability: { redactedEvent: observability.redactedEvent },
  cluster: { step: cluster.step, holds: cluster.holds, deadlineOf: cluster.deadlineOf },
} as const;

export type Domains = typeof REAL_DOMAINS;
