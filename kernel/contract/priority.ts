/** How much an operator prefers a path, best first. `never` = it carries nothing. */
export const PRIORITIES = ["primary", "secondary", "backup", "never"] as const;
export type Priority = (typeof PRIORITIES)[number];
