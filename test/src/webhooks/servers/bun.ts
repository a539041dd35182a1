import { createHooksApp } from "./hooks.ts";

declare const Bun: {
  serve(options: { port: number; hostname: string; fetch: (request: Request) => Promise<Response> }): {
    readonly port: number;
  };
};

const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: createHooksApp() });
console.log(`port ${server.port}`);
