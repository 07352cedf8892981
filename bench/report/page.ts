export interface Picture {
  /** Name under docs/plots. */
  readonly file: string;
  readonly svg: string;
}

/** A part of a document, with its pictures. */
export interface Page {
  readonly text: string;
  readonly pictures: readonly Picture[];
}
