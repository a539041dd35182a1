import { createHooksApp } from "./hooks.ts";

const fetch = createHooksApp();

// biome-ignore lint/style/noDefaultExport: what a Worker is
export default { fetch };
