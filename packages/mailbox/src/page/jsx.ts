// What JSX becomes in the built page. The automatic runtime would be half a kilobyte more.
export { Fragment, h } from "preact";
