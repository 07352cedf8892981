/** How much an operator prefers a path, best first. `never` = the path carries no traffic. */
export const PRIORITIES = ["primary", "secondary", "backup", "never"] as const;
export type Priority = (typeof PRIORITIES)[number];
