/** Boundaries that the compiler cannot see, or sees only with sources at hand. See ARCHITECTURE.md. */
const pure = "^(kernel|domains|core)/";

/**
 * The floors of the daemon: what it stands on; the loop; its two roles; what its operators reach; the process.
 * A name is a file or a folder.
 */
const daemon = (...names) => `^daemon/(?:${names.join("|")})(?:/|\\.ts$)`;
const ground = ["net", "system", "store", "record", "policy", "config", "ports", "fault", "log", "options"];
const loop = ["loop"];
const roles = ["client", "gateway"];
const control = ["control"];
const process = ["daemon", "status", "run", "main"];
/** What every part of the core knows, and parts of it (`world-….ts`); the rest of `core` is rooms. */
const known = "^core/(?:contract|world|turn|domains|fence/domains)[a-z-]*\\.ts$";

module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-peer-domain",
      comment: "Two domains share a type in kernel/contract and meet in core.",
      severity: "error",
      from: { path: "^(?:build/)?domains/([^/]+)/" },
      to: { path: "^(?:build/)?domains/([^/]+)/", pathNot: "^(?:build/)?domains/$1/" },
    },
    { name: "kernel-is-the-bottom", severity: "error", from: { path: "^kernel/" }, to: { path: "^(?!kernel/)" } },
    {
      name: "domains-see-only-the-kernel",
      severity: "error",
      from: { path: "^domains/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(?!kernel/|domains/)" },
    },
    {
      name: "core-sees-only-domains-and-kernel",
      severity: "error",
      from: { path: "^core/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(?!kernel/|domains/|core/)" },
    },
    {
      name: "pure-code-has-no-packages",
      severity: "error",
      from: { path: pure, pathNot: "\\.test\\.ts$" },
      to: { dependencyTypes: ["core", "npm", "npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "sdk-sees-only-the-kernel",
      severity: "error",
      from: { path: "^sdk/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(daemon|cli|lab|bench|core|domains|tools)/" },
    },
    {
      name: "cli-goes-through-the-sdk",
      severity: "error",
      from: { path: "^cli/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(daemon|lab|bench|core|domains|tools)/" },
    },
    {
      name: "nothing-imports-the-workshop",
      severity: "error",
      from: { path: "^(kernel|domains|core|daemon|sdk|cli)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^(lab|bench|tools|sim|transcripts)/" },
    },
    {
      name: "nothing-imports-the-explorer",
      severity: "error",
      from: { path: "^(?!sim/)", pathNot: "\\.test\\.ts$" },
      to: { path: "^sim/" },
    },
    {
      name: "one-importer-of-the-engine",
      severity: "error",
      from: { pathNot: "^daemon/ports/engine\\.ts$" },
      to: { path: "engine\\.node$" },
    },
    {
      name: "daemon-floors",
      comment: "The record, the store or the system that knew who uses it could not be used by another.",
      severity: "error",
      from: { path: daemon(...ground), pathNot: "\\.test\\.ts$" },
      to: { path: daemon(...loop, ...roles, ...control, ...process) },
    },
    {
      name: "the-loop-knows-none-above",
      severity: "error",
      from: { path: daemon(...loop), pathNot: "\\.test\\.ts$" },
      to: { path: daemon(...roles, ...control, ...process) },
    },
    {
      name: "control-is-given-its-target",
      comment: "The daemon implements the interface that control declares; control never imports who implements it.",
      severity: "error",
      from: { path: daemon(...control), pathNot: "\\.test\\.ts$" },
      to: { path: daemon(...roles, ...process) },
    },
    {
      name: "control-sees-only-types-of-the-loop",
      severity: "error",
      from: { path: daemon(...control), pathNot: "\\.test\\.ts$" },
      to: { path: daemon(...loop), dependencyTypesNot: ["type-only"] },
    },
    {
      name: "client-and-gateway-are-apart",
      comment: "What both roles need is neither's: it belongs to core/session.",
      severity: "error",
      from: { path: "^(core|daemon)/(client|gateway)/", pathNot: "\\.test\\.ts$" },
      to: { path: "^$1/(client|gateway)/", pathNot: "^$1/$2/" },
    },
    {
      name: "a-view-acts-on-nothing",
      comment: "What is shown is computed from the world; a view that imports a room could change it.",
      severity: "error",
      from: { path: "^core/(?:view/|(?:view|explain|snapshot)\\.ts$)", pathNot: "\\.test\\.ts$" },
      to: { path: "^core/", pathNot: [known, "^core/(?:view/|(?:view|explain|snapshot)\\.ts$)"] },
    },
    {
      name: "the-world-knows-no-room",
      severity: "error",
      from: { path: known },
      to: { path: "^core/", pathNot: known },
    },
    {
      name: "no-orphans",
      severity: "error",
      from: {
        orphan: true,
        pathNot: ["\\.test\\.ts$", "\\.d\\.ts$", "^vitest\\.config\\.ts$", "main\\.ts$", "\\.generated\\.ts$"],
      },
      to: {},
    },
    { name: "not-to-unresolvable", severity: "error", from: {}, to: { couldNotResolve: true, pathNot: "engine\\.node$" } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(build|node_modules|engine|lab/native)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.shell.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["source", "import", "types", "default"],
      extensions: [".ts", ".js", ".json"],
    },
  },
};
