import type { Numbers } from "#kernel/contract/event";
import type { Proof } from "#kernel/contract/proof";
import type { Reason } from "#kernel/contract/reason";
import type { PathId } from "#kernel/contract/state";
import type { Verdict } from "#kernel/contract/verdict";

/** Events of a session. Values from other domains come in the event or in the context. */
export type SessionEvent =
  /** The first authenticated packet. `refusal` = why the node refuses the session; `null` = it accepts it. */
  | { readonly type: "HandshakeConfirmed"; readonly proof: Proof; readonly refusal: Reason | null }
  /** There is a stable candidate, or a pending retry is due. The context has candidate and verdict. */
  | { readonly type: "CandidateAvailable"; readonly reason: "candidate_available" | "authority_regained" }
  | { readonly type: "TransportDead"; readonly path: PathId; readonly numbers: Numbers }
  | { readonly type: "ThresholdExceeded"; readonly path: PathId; readonly reason: Reason; readonly numbers: Numbers }
  /** `verdict`: whether this path may be validated again, which costs a recovery and no switch. */
  | { readonly type: "StabilityRestored"; readonly path: PathId; readonly verdict: Verdict }
  | {
      readonly type: "SwitchRequested";
      readonly target: PathId;
      readonly reason: Reason;
      readonly verdict: Verdict;
    }
  /** Client: the gateway acknowledged. Gateway: the client proved itself on a path. `proof: null` = none was minted. */
  | {
      readonly type: "AttachValidated";
      readonly path: PathId;
      readonly bindSeq: number;
      readonly proof: Proof | null;
      readonly verdict: Verdict;
    }
  | { readonly type: "PeerDenied"; readonly bindSeq: number; readonly reason: Reason; readonly retryAfterMs: number }
  | { readonly type: "TargetFailed"; readonly path: PathId; readonly bindSeq: number | null; readonly reason: Reason }
  | {
      readonly type: "ValidationFailed";
      readonly attributable: boolean;
      readonly exhausted: boolean;
      readonly numbers: Numbers;
    }
  | { readonly type: "AuthorityLost" }
  | { readonly type: "AuthorityRegained" }
  | {
      readonly type: "OperatorTerminate";
      readonly reason: "operator_terminated" | "client_removed" | "daemon_stopped";
      readonly numbers: Numbers;
    }
  | { readonly type: "PeerClose"; readonly reason: Reason; readonly numbers: Numbers }
  | { readonly type: "Superseded" }
  | { readonly type: "CloneDetected" }
  | { readonly type: "KeysLost"; readonly reason: "rekey_failed" | "session_lost" }
  | { readonly type: "PolicyInvalid" }
  | { readonly type: "PolicyUpdated" }
  /** `epoch` = the new owner's epoch; `null` = another node claims the session but does not own it yet. */
  | { readonly type: "OwnershipMoved"; readonly epoch: number | null }
  | { readonly type: "Tick" };

/** What `step` itself finds before it judges the event: passed clocks and broken integrity. */
export type Judgement =
  | { readonly type: "LifetimeExceeded"; readonly numbers: Numbers }
  | { readonly type: "BirthTimedOut"; readonly numbers: Numbers }
  | { readonly type: "TransportLostTooLong"; readonly numbers: Numbers }
  | { readonly type: "DegradedTooLong"; readonly numbers: Numbers }
  | { readonly type: "AttemptTimedOut"; readonly numbers: Numbers }
  | { readonly type: "VolatilePersisted"; readonly numbers: Numbers }
  | { readonly type: "IntegrityBroken"; readonly numbers: Numbers };

export type Occurrence = SessionEvent | Judgement;
export type OccurrenceType = Occurrence["type"];
