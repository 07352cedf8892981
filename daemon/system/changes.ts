import { causeText } from "#daemon/fault";
import { closedBy } from "#daemon/system/backstop";
import { type Change, type Lasting, type Undo, undoOf } from "#daemon/system/change";
import type { Machine } from "#daemon/system/machine";
import type { UndoJournal } from "#daemon/system/undo-journal";

type Applied = { readonly ok: true; readonly undos: readonly Undo[] } | { readonly ok: false; readonly why: string };

/** Errors of `ip` and `nft` that mean "it does not exist", which is a success for an undo. */
const ALREADY_GONE =
  /Cannot find device|No such process|No such file or directory|Cannot assign requested address|No such device|does not exist/;

/** Output of `ip -force -batch` about a line whose route or rule exists. */
const ALREADY_THERE = /File exists|^Command failed|^$/;

const lasts = (undo: Undo): boolean => undo.kind === "ip" && undo.lasts === true;
const same = (a: Undo, b: Undo): boolean => JSON.stringify(a) === JSON.stringify(b);

/**
 * Makes changes to the machine, all or none. They are journaled and then made in order. If one fails, the earlier ones
 * are undone and its error is returned. Consecutive `ip` changes of one family are made by one run of `ip`.
 */
export class SystemChanges {
  readonly #machine: Machine;
  readonly #journal: UndoJournal;

  constructor(machine: Machine, journal: UndoJournal) {
    this.#machine = machine;
    this.#journal = journal;
  }

  async apply(changes: readonly Change[]): Promise<Applied> {
    const made: Undo[] = [];
    for (const group of grouped(changes)) {
      const undos = group.map((change) => undoOf(change, change.kind === "sysctl" ? this.#machine.readSysctl(change.key) : null));
      const noted = undos.filter((undo) => undo !== null);
      try {
        this.#journal.note(noted);
      } catch (cause) {
        await this.undo(made);
        return { ok: false, why: `the undo journal cannot be written: ${causeText(cause)}` };
      }
      const failure = await this.#make(group);
      if (failure === null) {
        made.push(...noted);
        continue;
      }
      const before = undos.slice(0, failure.index).filter((undo) => undo !== null);
      this.#journal.strike(noted.filter((undo) => !before.includes(undo)));
      await this.undo([...made, ...before]);
      return { ok: false, why: failure.why };
    }
    return { ok: true, undos: made };
  }

  /**
   * Undoes changes, newest first. A change that no longer exists counts as undone. Returns the errors of the others.
   */
  async undo(undos: readonly Undo[]): Promise<readonly string[]> {
    const complaints: string[] = [];
    for (const undo of undos.toReversed()) {
      const complaint = await this.#takeBack(undo);
      if (complaint !== null && !ALREADY_GONE.test(complaint)) complaints.push(complaint);
    }
    this.#journal.strike(undos);
    return complaints;
  }

  /** Undoes the changes of a process that ended without undoing them. The backstop stays. */
  undoAll(): Promise<readonly string[]> {
    return this.undo(this.#journal.entries.filter((undo) => !lasts(undo)));
  }

  /**
   * Makes the backstop: each part of it that is not there yet, and removes what an earlier one had in addition. Parts
   * that were made stay if a later one fails. Returns why it failed, or `null`.
   */
  async stand(backstop: readonly Lasting[]): Promise<string | null> {
    const wanted = backstop.map(({ family, undo }) => ({ kind: "ip", family, args: undo, lasts: true }) as const);
    try {
      this.#journal.note(wanted.filter((undo) => !this.#standing.some((known) => same(known, undo))));
    } catch (cause) {
      return `the undo journal cannot be written: ${causeText(cause)}`;
    }
    for (const family of [4, 6] as const) {
      const lines = backstop.filter((part) => part.family === family).map(({ args }) => `${args.join(" ")}\n`);
      if (lines.length === 0) continue;
      // With -force, a part that is there already does not keep the others out.
      const { code, stderr } = await this.#machine.run("ip", [`-${family}`, "-force", "-batch", "-"], lines.join(""));
      const failure = stderr.split("\n").find((line) => !ALREADY_THERE.test(line));
      if (code !== 0 && failure !== undefined) return `the backstop cannot be made: \`ip -${family}\`: ${failure}`;
    }
    const surplus = this.#standing.filter((known) => !wanted.some((undo) => same(known, undo)));
    return (await this.undo(surplus))[0] ?? null;
  }

  /** Removes the backstop. Returns the errors. */
  release(): Promise<readonly string[]> {
    return this.undo(this.#standing);
  }

  /** The networks that the backstop closes to traffic while no tunnel carries it. */
  get closed(): readonly string[] {
    return this.#standing.flatMap((undo) => closedBy(undo) ?? []);
  }

  get #standing(): readonly Undo[] {
    return this.#journal.entries.filter(lasts);
  }

  async #make(group: readonly Change[]): Promise<{ index: number; why: string } | null> {
    const first = group[0];
    if (first === undefined) return null;
    switch (first.kind) {
      case "ip": {
        const lines = group.flatMap((change) => (change.kind === "ip" ? [change.args.join(" ")] : []));
        const result = await this.#machine.run("ip", [`-${first.family}`, "-batch", "-"], `${lines.join("\n")}\n`);
        if (result.code === 0) return null;
        const index = failedLine(result.stderr);
        return { index, why: `\`ip -${first.family} ${lines[index] ?? ""}\`: ${firstLine(result.stderr)}` };
      }
      case "sysctl":
        try {
          if (this.#machine.readSysctl(first.key) !== first.value) this.#machine.writeSysctl(first.key, first.value);
          return null;
        } catch (cause) {
          return { index: 0, why: `${first.key} = ${first.value}: ${causeText(cause)}` };
        }
      case "nft": {
        const result = await this.#machine.run("nft", ["-f", "-"], first.script);
        return result.code === 0 ? null : { index: 0, why: `nft: ${firstLine(result.stderr)}` };
      }
    }
  }

  async #takeBack(undo: Undo): Promise<string | null> {
    switch (undo.kind) {
      case "ip": {
        const result = await this.#machine.run("ip", [`-${undo.family}`, ...undo.args], "");
        return result.code === 0 ? null : result.stderr;
      }
      case "sysctl":
        try {
          this.#machine.writeSysctl(undo.key, undo.value);
          return null;
        } catch (cause) {
          return causeText(cause);
        }
      case "nft": {
        const result = await this.#machine.run("nft", ["-f", "-"], undo.script);
        return result.code === 0 ? null : result.stderr;
      }
    }
  }
}

/** Groups consecutive changes that one run of `ip` can make. */
function grouped(changes: readonly Change[]): Change[][] {
  const groups: Change[][] = [];
  for (const change of changes) {
    const last = groups.at(-1)?.[0];
    if (change.kind === "ip" && last?.kind === "ip" && last.family === change.family) groups.at(-1)?.push(change);
    else groups.push([change]);
  }
  return groups;
}

/** `Command failed -:3` names the line, from 1. A run without such a message failed before its first line. */
function failedLine(stderr: string): number {
  const match = /Command failed -:(\d+)/.exec(stderr);
  return match === null ? 0 : Number(match[1]) - 1;
}

const firstLine = (text: string): string => text.split("\n")[0] || "it failed without a message";
