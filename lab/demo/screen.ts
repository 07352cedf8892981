/** The demo's output: one line for each event, with the time since the start. */
import type { EventRecord } from "#sdk/index";

const COLOUR = { green: 32, yellow: 33, red: 31, dim: 2, bold: 1 } as const;
type Colour = keyof typeof COLOUR;

export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #colours: boolean;
  readonly #began = performance.now();

  /** With `--json` the result goes to stdout and these lines go to stderr. */
  constructor(json: boolean) {
    this.#out = json ? process.stderr : process.stdout;
    this.#colours = this.#out.isTTY === true && process.env.NO_COLOR === undefined;
  }

  paint(colour: Colour, text: string): string {
    return this.#colours ? `\u001b[${COLOUR[colour]}m${text}\u001b[0m` : text;
  }

  say(text: string): void {
    const seconds = ((performance.now() - this.#began) / 1000).toFixed(2).padStart(7);
    this.#out.write(`${this.paint("dim", `${seconds} s`)}  ${text}\n`);
  }

  plain(text: string): void {
    this.#out.write(`${text}\n`);
  }

  /** Shows an event of the client's record, if it is of interest to a person. */
  event(event: EventRecord): void {
    const reason = event.reason ?? "";
    if (event.type === "SessionStateChange") {
      const colour = event.to === "ATTACHED" ? "green" : event.to === "TERMINATED" ? "red" : "yellow";
      this.say(`    ${(event.from ?? "").padEnd(10)} → ${this.paint(colour, (event.to ?? "").padEnd(10))}  ${reason}`);
    } else if (event.type === "TransportSwitch") {
      const without = event.numbers?.withoutPathMs;
      this.say(
        `    ${this.paint("bold", `jump: ${event.transport?.old ?? "none"} → ${event.transport?.new ?? "none"}`)}  ${without ?? 0} ms without a path`,
      );
    } else if (event.type === "TransportDead") {
      this.say(`    ${this.paint("red", "dead:")} ${event.transport?.old ?? ""}  ${reason}`);
    } else if (event.type === "TransportSwitchDenied") {
      this.say(`    ${this.paint("red", "denied:")} ${reason}`);
    }
  }
}
