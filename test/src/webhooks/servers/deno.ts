import { createHooksApp } from "./hooks.ts";

declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen: (address: { readonly port: number }) => void },
    handler: (request: Request) => Promise<Response>,
  ): unknown;
};

const onListen = ({ port }: { readonly port: number }): void => console.log(`port ${port}`);
Deno.serve({ port: 0, hostname: "127.0.0.1", onListen }, createHooksApp());
