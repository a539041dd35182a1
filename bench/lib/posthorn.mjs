/**
 * The built package of a provider. Packages are taken from this repository: `bench/` is outside of its workspaces, so
 * that peers are installed for nobody else.
 */
export function posthorn(name, entry = "index") {
  return import(new URL(`../../packages/${name}/dist/${entry}.js`, import.meta.url).href);
}
