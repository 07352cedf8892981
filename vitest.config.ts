import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["**/*.test.ts"],
    exclude: ["node_modules", "build", "engine", "lab/native/**"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
