export interface Picture {
  /** Name under docs/plots. */
  readonly file: string;
  readonly svg: string;
}

/** A piece of a document and the pictures that it shows. */
export interface Page {
  readonly text: string;
  readonly pictures: readonly Picture[];
}
