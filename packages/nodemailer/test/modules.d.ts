declare module "nodemailer-6" {
  export const createTransport: unknown;
}
declare module "nodemailer-7" {
  export const createTransport: unknown;
}
declare module "nodemailer-8" {
  export const createTransport: unknown;
}
