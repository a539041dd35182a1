import { mergeConfig } from "vitest/config";
import { config } from "../vitest.base.js";

export default mergeConfig(config, {
  // One file at a time: they start servers, runtimes and installs, and measure cancellation.
  test: { include: ["src/**/*.test.ts"], maxWorkers: 1 },
});
