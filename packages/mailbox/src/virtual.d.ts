/** The page's files, which `page/build.ts` makes when the package is built. */
declare module "virtual:mailbox-page" {
  export const script: string;
  export const style: string;
}

declare module "*.css";
