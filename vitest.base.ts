import { defineConfig, type ViteUserConfig } from "vitest/config";

/** How every package's tests run. The JSON report is what `npm test` adds up. */
export const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    environment: "node",
    testTimeout: 20_000,
    reporters: ["default", "json"],
    outputFile: { json: ".report/vitest.json" },
    typecheck: { enabled: false },
  },
});
