import { mergeConfig } from "vitest/config";
import { config } from "../vitest.base.js";

export default mergeConfig(config, { test: { include: ["src/**/*.test.ts"] } });
