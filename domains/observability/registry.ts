import type { EventClass, EventType } from "#kernel/contract/event";

interface EventKind {
  /** Decides which events are dropped last when the record overflows. */
  readonly class: EventClass;
  /** A description for people. */
  readonly text: string;
}

/** All event types. A type without an entry does not compile. The class belongs to the type, not to its emitter. */
export const EVENT_KINDS: Readonly<Record<EventType, EventKind>> = {
  SessionCreated: { class: "transition", text: "a session was created" },
  SessionStateChange: { class: "transition", text: "a session changed its state" },
  SessionTerminated: { class: "transition", text: "a session ended, with its reason" },
  TransportDead: { class: "transition", text: "a transport died" },
  TransportSwitch: { class: "transition", text: "the active transport changed" },
  TransportSwitchDenied: { class: "transition", text: "a switch was denied, with the limit that denied it" },
  PathAdded: { class: "info", text: "a transport is being tried" },
  PathValidated: { class: "info", text: "a transport answered its challenge" },
  PathRebound: { class: "info", text: "the client's address on a transport changed" },
  PathMtu: { class: "info", text: "the largest packet that a transport carries was found or has changed" },
  PathSuspected: { class: "info", text: "a transport is silent for longer than expected" },
  PathCleared: { class: "info", text: "a suspected transport works again" },
  PathAlive: { class: "info", text: "a dead transport answers again" },
  AttachAttempt: { class: "info", text: "an activation of a transport began" },
  AttachResult: { class: "info", text: "an activation of a transport ended" },
  SecurityEvent: { class: "security", text: "a message was refused by validation" },
  PolicyApplied: { class: "security", text: "a policy came into force" },
  ConfigFailure: { class: "security", text: "a configuration or policy was refused; the last valid one stays" },
  KeyRotated: { class: "security", text: "traffic keys were renewed" },
  KeyExpired: { class: "security", text: "a traffic key reached its limit" },
  RekeyDenied: { class: "security", text: "a renewal of keys was denied" },
  AuthorityLost: { class: "transition", text: "this node may no longer act for its sessions" },
  AuthorityRegained: { class: "transition", text: "this node may act for its sessions again" },
  OwnershipMoved: { class: "transition", text: "another node owns a session" },
  OwnershipReleased: { class: "transition", text: "this node released a session to another node" },
  DialStarted: { class: "info", text: "the client dials a gateway" },
  DialFailed: { class: "info", text: "a dial of a gateway failed" },
  DomainFault: { class: "security", text: "a domain failed, and the others continued" },
  Diagnostic: { class: "info", text: "an event that changed no state, such as a rejected message or a request to a client" },
  EventLoss: { class: "security", text: "records were dropped, with their class, count and numbers" },
  HealthChange: { class: "security", text: "a failure domain's health changed" },
};

export function classOf(type: EventType): EventClass {
  return EVENT_KINDS[type].class;
}
