/** Boundaries that the compiler cannot see, or sees only with sources at hand. See ARCHITECTURE.md. */
const pure = "^(kernel|domains|core)/";

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
